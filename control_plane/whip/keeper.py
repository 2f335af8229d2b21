"""Publishers whose replica died: somebody else has to speak for them, also in rooms where nobody else is.

A person in a browser connects again by itself, and rooms with people are driven by whoever holds one of them. A room
with encoders only has nobody left when its replica dies: replicas write down which rooms they speak in, and take over
from those that are dead.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import structlog
from pydantic import TypeAdapter, ValidationError

from control_plane.errors import ControlPlaneError
from control_plane.ids import ReplicaId, RoomId
from control_plane.rooms.presence import Presence
from control_plane.state import Redis
from control_plane.state.keys import WHIP_HELD
from control_plane.whip.service import WhipService

log = structlog.get_logger()

INTERVAL_S = 1.0
REFRESH_ROUNDS = 10
_ROOMS: TypeAdapter[tuple[RoomId, ...]] = TypeAdapter(tuple[RoomId, ...])


class Keeper:
    def __init__(self, replica: ReplicaId, redis: Redis, whip: WhipService, presence: Presence) -> None:
        self._replica = replica
        self._redis = redis
        self._whip = whip
        self._presence = presence
        self._written: set[RoomId] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write down, look, and take over, until left."""
        loop = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    async def _keep(self) -> None:
        for turn in count():
            try:
                await self._write(refresh=turn % REFRESH_ROUNDS == 0)
                await self._take_over()
            except ControlPlaneError as error:
                log.debug("publishers_not_kept", reason=error.code)
                self._written = set()  # Redis may come back empty
            except Exception:  # of one publisher: the others still need somebody
                log.exception("keeper_failed")
            await self._whip.begun_or(INTERVAL_S)

    async def _write(self, *, refresh: bool) -> None:
        rooms = self._whip.rooms()
        if rooms == self._written and not (refresh and rooms):
            return
        if rooms:
            await self._redis.execute("HSET", WHIP_HELD, self._replica, json.dumps(sorted(rooms)))
        else:
            await self._redis.execute("HDEL", WHIP_HELD, self._replica)
        self._written = rooms

    async def _take_over(self) -> None:
        """Any number of replicas may do so at once: for each publisher one succeeds."""
        holders = {ReplicaId(field.decode()) for field in await self._redis.execute("HKEYS", WHIP_HELD)}
        for dead in [each for each in holders - {self._replica} if self._presence.is_dead(each)]:
            raw = await self._redis.execute("HGET", WHIP_HELD, dead)
            for room in _rooms(raw):
                await self._whip.inherit_room(room, dead)
            await self._redis.execute("HDEL", WHIP_HELD, dead)


def _rooms(raw: bytes | None) -> tuple[RoomId, ...]:
    try:
        return _ROOMS.validate_json(raw or b"[]")
    except ValidationError:
        log.warning("publishers_unreadable")
        return ()
