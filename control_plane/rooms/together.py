"""Questions about rooms, asked together: a question to the database costs far more than one room more in it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

from control_plane.ids import RoomId

MOST_ROOMS = 500

T = TypeVar("T")


class Together(Generic[T]):
    """`ask` answers for all rooms that it is given. One question is under way at a time; rooms that are asked about
    meanwhile share the next one, so that nobody is told what was so before they asked."""

    def __init__(self, ask: Callable[[Collection[RoomId]], Awaitable[Mapping[RoomId, T]]]) -> None:
        self._ask = ask
        self._gathering: set[RoomId] = set()
        self._last: asyncio.Task[Mapping[RoomId, T]] | None = None

    async def of(self, room: RoomId) -> T:
        """Raises what `ask` raises. Whoever is cancelled leaves the question to the others."""
        if self._last is None or not self._gathering or len(self._gathering) >= MOST_ROOMS:
            self._gathering = set()
            self._last = asyncio.create_task(self._next(self._gathering, self._last))
            self._last.add_done_callback(_retrieved)
        self._gathering.add(room)
        return (await asyncio.shield(self._last))[room]

    async def _next(self, rooms: set[RoomId], before: "asyncio.Task[Mapping[RoomId, T]] | None") -> Mapping[RoomId, T]:
        if before is not None:
            await asyncio.wait({before})
        if self._gathering is rooms:
            self._gathering = set()
        return await self._ask(rooms)


def _retrieved(asked: "asyncio.Task[Mapping[RoomId, T]]") -> None:
    """Whoever waited for a failure has it, if somebody still does."""
    if not asked.cancelled():
        asked.exception()
