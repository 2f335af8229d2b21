"""Whom relays are to cut: a stay that was ended must not go on relaying, nor begin again with its credential."""

import asyncio

import structlog

from control_plane.errors import Unavailable
from control_plane.ids import ParticipantId
from control_plane.state import Redis, Script
from control_plane.state.keys import TURN_CUTS
from control_plane.turn.reports import Orders
from control_plane.turn.service import TurnRelays
from media_adapters.models import RoomRef

log = structlog.get_logger()

PAGE = 2000
OVERLAP_MS = 5000
"""Told again: cutting twice does no harm, and never hearing of somebody would."""

_CUT, _SINCE = (Script.load(__package__, name) for name in ("cut.lua", "cuts.lua"))


class TurnCuts:
    def __init__(self, redis: Redis, relays: TurnRelays) -> None:
        self._redis = redis
        self._relays = relays
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self, room: RoomRef, participant: ParticipantId) -> None:
        """Tell every relay, in the background; nobody when there is none."""
        if not self._relays.exist:
            return
        task = asyncio.get_running_loop().create_task(self._cut(room, participant))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait for what runs in the background."""
        await asyncio.gather(*self._tasks)

    async def since(self, cursor: int) -> Orders:
        """Whom to cut that was not told at `cursor`. Raises `Unavailable`."""
        told, *names = await self._redis.run(_SINCE, [TURN_CUTS], [cursor, PAGE, OVERLAP_MS])
        return Orders(cut=tuple(name.decode() for name in names), for_s=self._relays.ttl, cursor=max(0, told))

    async def _cut(self, room: RoomRef, participant: ParticipantId) -> None:
        try:
            opaque = self._relays.opaque.of(room, participant)
            await self._redis.run(_CUT, [TURN_CUTS], [self._relays.ttl * 1000, opaque])
        except Unavailable:
            # The media node has ended their media all the same.
            log.warning("relay_not_cut", room=room.room, participant=participant)
