"""What the database says of a room, kept where it can be asked at each join, also while the database is away.

The database decides. Redis keeps what it said for a minute, which every change ends; each replica remembers what it has
seen, and goes on with that while the database is away.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar

import structlog
from pydantic import TypeAdapter

from control_plane.clock import Clock
from control_plane.errors import Unavailable
from control_plane.ids import RoomId
from control_plane.state import Redis, Script, keys

log = structlog.get_logger()

KEPT_MS = 60_000
CHANGES_KEPT_MS = 3_600_000
DATABASE_REST_S = 2.0
MAX_KNOWN = 10_000

T = TypeVar("T")


class RoomCache(Generic[T]):
    """What Redis remembers, as JSON, and the word on `channel` that it is something else now.

    Every method raises `Unavailable` when Redis is away.
    """

    def __init__(self, redis: Redis, kind: str, values: TypeAdapter[T], channel: str) -> None:
        self._redis = redis
        self._kind = kind
        self._values = values
        self._channel = channel
        self._put = Script.load("control_plane.rooms", "lua/remembered_put.lua")
        self._changed = Script.load("control_plane.rooms", "lua/remembered_changed.lua")

    async def of(self, room: RoomId) -> tuple[T | None, str]:
        """What is remembered, or None; and the number of changes, for `put`."""
        text, changes = await self._redis.execute("MGET", *self._keys(room))
        return (None if text is None else self._values.validate_json(text)), (changes or b"0").decode()

    async def put(self, room: RoomId, changes: str, value: T) -> None:
        """Keep what the database has said, unless it changed since."""
        await self._redis.run(self._put, self._keys(room), [changes, self._values.dump_json(value), KEPT_MS])

    async def tell(self, room: RoomId, message: str) -> None:
        """Forget what was kept, and tell every replica."""
        await self._redis.run(self._changed, self._keys(room), [CHANGES_KEPT_MS, self._channel, message])

    def _keys(self, room: RoomId) -> list[str]:
        return [keys.remembered(self._kind, room, part) for part in ("list", "changes")]


class Remembered(Generic[T]):
    """`ask` asks the database; `unknown` is the answer when nobody can say. `what` names the warning of that.

    `unsure` are the rooms about which nobody could be asked last; whoever is to act on the truth later looks there.
    """

    def __init__(
        self, cache: RoomCache[T], ask: Callable[[RoomId], Awaitable[T]], unknown: T, clock: Clock, what: str
    ) -> None:
        self._cache = cache
        self._ask = ask
        self._unknown = unknown
        self._clock = clock
        self._what = what
        self._known: OrderedDict[RoomId, T] = OrderedDict()
        self._asking: dict[RoomId, asyncio.Task[T]] = {}
        self._database_rests_until = 0.0
        self.unsure: set[RoomId] = set()

    async def of(self, room: RoomId) -> T:
        """Raises `Unavailable` when Redis is away; without the database it is what this replica knows. Those who ask of
        a room at once share one answer."""
        asking = self._asking.get(room)
        if asking is None:
            asking = self._asking[room] = asyncio.create_task(self._find_out(room))
            asking.add_done_callback(partial(self._asked, room))
        return await asyncio.shield(asking)

    async def _find_out(self, room: RoomId) -> T:
        known, changes = await self._cache.of(room)
        if known is None:
            try:
                known = await self._ask_database(room)
            except Unavailable:
                if room not in self.unsure:
                    log.warning(self._what, room=room, remembered=room in self._known)
                self.unsure.add(room)
                return self.known(room)
            await self._cache.put(room, changes, known)
        if self._asking.get(room) is asyncio.current_task():  # else there was news meanwhile, which is newer
            self.unsure.discard(room)
            self._keep(room, known)
        return known

    def _asked(self, room: RoomId, asking: asyncio.Task[T]) -> None:
        if self._asking.get(room) is asking:
            del self._asking[room]
        if not asking.cancelled():
            asking.exception()  # whoever waited for it has it, if somebody still does

    def known(self, room: RoomId) -> T:
        """What this replica remembers, asking nobody."""
        return self._known.get(room, self._unknown)

    def remember(self, room: RoomId, value: T) -> None:
        """It is so from now on: who asks later is not told what was asked before."""
        self._asking.pop(room, None)
        self._keep(room, value)

    def _keep(self, room: RoomId, value: T) -> None:
        self._known[room] = value
        self._known.move_to_end(room)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    def forget(self, room: RoomId) -> None:
        self._asking.pop(room, None)
        self._known.pop(room, None)

    def forget_all(self) -> None:
        self._asking.clear()
        self._known.clear()

    async def _ask_database(self, room: RoomId) -> T:
        """A database that did not answer is left alone for a moment: everybody who joins would wait for it."""
        if self._clock.monotonic() < self._database_rests_until:
            raise Unavailable("The database did not answer a moment ago.")
        try:
            return await self._ask(room)
        except Unavailable:
            self._database_rests_until = self._clock.monotonic() + DATABASE_REST_S
            raise
