"""Which rooms there are, for lists.

Each room's state is in a slot of its own, so that no script sees them all. Replicas write down, in two sorted sets, the
rooms that they hold: by when they were seen last, and by name. This is a hint, complete within a second; whether a room
that is listed is still there, its own state says.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Self

import structlog

from control_plane.errors import Unavailable
from control_plane.ids import RoomId
from control_plane.rooms.local import LocalRoom
from control_plane.state import Redis, Script
from control_plane.state.keys import ROOM_NAMES, ROOMS_SEEN, room_key

log = structlog.get_logger()

_INDEX = Script.load("control_plane.rooms", "lua/index.lua")
INTERVAL_S = 1.0
REFRESH_ROUNDS = 10
LISTED_MS = 45_000
_BATCH = 500


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """`created_at` in ms since the epoch; `participants` counts those who may resume too."""

    room: RoomId
    created_at: int
    participants: int


class RoomIndex:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._written: set[RoomId] = set()

    @classmethod
    @asynccontextmanager
    async def keep(cls, redis: Redis, rooms: Iterable[LocalRoom]) -> AsyncIterator[Self]:
        """Write down `rooms`, as they are each time, until left."""
        index = cls(redis)
        loop = asyncio.create_task(index._keep(rooms))
        try:
            yield index
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    async def names(self, prefix: str, after: str, limit: int) -> list[RoomId]:
        """Up to `limit` names that begin with `prefix`, in the order of their bytes, behind `after`. Some may be of
        rooms that are over. Raises `Unavailable`."""
        lowest = f"({after}" if after >= prefix and after else f"[{prefix}" if prefix else "-"
        highest = f"({prefix}\x7f" if prefix else "+"
        raw = await self._redis.execute("ZRANGEBYLEX", ROOM_NAMES, lowest, highest, "LIMIT", 0, limit)
        return [RoomId(name.decode()) for name in raw]

    async def summaries(self, rooms: Iterable[RoomId]) -> dict[RoomId, RoomSummary]:
        """Of those that are live. Raises `Unavailable`."""
        found = await asyncio.gather(*(self._summary(room) for room in rooms))
        return {each.room: each for each in found if each is not None}

    async def write(self, rooms: Iterable[RoomId]) -> None:
        """Raises `Unavailable`."""
        names = list(rooms)
        for start in range(0, len(names), _BATCH):
            await self._redis.run(_INDEX, [ROOMS_SEEN, ROOM_NAMES], [LISTED_MS, *names[start : start + _BATCH]])

    async def _summary(self, room: RoomId) -> RoomSummary | None:
        created, people = await asyncio.gather(
            self._redis.execute("HGET", room_key(room, "meta"), "created_at"),
            self._redis.execute("HLEN", room_key(room, "people")),
        )
        return None if created is None else RoomSummary(room, int(created), people)

    async def _keep(self, rooms: Iterable[LocalRoom]) -> None:
        for turn in count():
            held = {local.room for local in rooms}
            wanted = held if turn % REFRESH_ROUNDS == 0 else held - self._written
            try:
                await self.write(wanted)
            except Unavailable:
                self._written = set()  # Redis may come back empty
            else:
                self._written = held
            await asyncio.sleep(INTERVAL_S)
