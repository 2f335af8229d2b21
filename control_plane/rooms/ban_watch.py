"""Bans at work on this replica: asked at every join and resume, and held against who is here already.

What is asked is what is `remembered`. What could not be done while the database or Redis was away is done as soon as it
can be.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Self

import structlog
from pydantic import ValidationError

from control_plane.access.devices import DeviceHash
from control_plane.access.tokens import VerifiedToken, room_of
from control_plane.clock import Clock
from control_plane.errors import ControlPlaneError, NotFound, Unavailable
from control_plane.ids import Identity, ParticipantId, RoomId
from control_plane.rooms import bans
from control_plane.rooms.ban_cache import BanCache, BanNews
from control_plane.rooms.ban_table import BanTable
from control_plane.rooms.bans import Ban
from control_plane.rooms.domain import Person
from control_plane.rooms.hub import RoomHub
from control_plane.rooms.local import LocalRoom
from control_plane.rooms.remembered import Remembered
from control_plane.rooms.store import RoomStore

log = structlog.get_logger()

INTERVAL_S = 1.0


class BanWatch:
    def __init__(self, table: BanTable, cache: BanCache, store: RoomStore, hub: RoomHub, clock: Clock) -> None:
        self._table = table
        self._cache = cache
        self._store = store
        self._hub = hub
        self._clock = clock
        self._bans: Remembered[tuple[Ban, ...]] = Remembered(cache, table.of, (), clock, "bans_unknown")
        self._untold: dict[str, BanNews] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, table: BanTable, cache: BanCache, store: RoomStore, hub: RoomHub, clock: Clock
    ) -> AsyncIterator[Self]:
        """Make up for what could not be done, until left."""
        watch = cls(table, cache, store, hub, clock)
        loop = asyncio.create_task(watch._catch_up_forever())
        try:
            yield watch
        finally:
            loop.cancel()
            await asyncio.gather(loop, *watch._tasks, return_exceptions=True)

    async def expect_welcome(self, room: RoomId, token: VerifiedToken, device: DeviceHash | None = None) -> None:
        """Asked before a join. Raises `Kicked`, `Banned`, `Unavailable` when Redis is away."""
        _refuse(bans.of_token(await self._bans.of(room), token, self._clock.now(), device))

    def expect_still_welcome(self, room: RoomId, token: VerifiedToken, device: DeviceHash | None = None) -> None:
        """Asked once more when the join is done: what was heard on the way found nobody here. Raises as above."""
        _refuse(bans.of_token(self._bans.known(room), token, self._clock.now(), device))

    def expect_may_stay(self, room: RoomId, person: Person) -> None:
        """Asked when a resume is done, for only then it is known who it is. Raises `Kicked`, `Banned`."""
        _refuse(bans.of_person(self._bans.known(room), person, self._clock.now()))

    async def has_kicked(self, token: VerifiedToken) -> bool:
        """Whether a kick has closed the token, so that another one would let its bearer in. Raises `Unavailable`."""
        ban = bans.of_token(await self._bans.of(room_of(token.grants)), token, self._clock.now())
        return ban is not None and ban.issued_until is not None

    async def expect_not_removed(self, room: RoomId, participant: ParticipantId) -> None:
        """Asked before a resume. Raises `Kicked`, `Banned`, `Unavailable` when Redis is away."""
        _refuse(bans.of_participant(await self._bans.of(room), participant, self._clock.now()))

    async def add(self, room: RoomId, ban: Ban, by: str) -> None:
        """Keep somebody out from now on, and end their stay wherever they are. Raises `Unavailable` when the database
        is away, and then nothing has happened; or when Redis is, and then the rest happens once it is back."""
        await self._table.add(room, ban, by)
        await self._tell(ban.id, BanNews(room=room, ban=ban))

    async def lift(self, room: RoomId, identity: Identity) -> bool:
        """Let somebody in again. Whether they were kept out of exactly this room. Raises `Unavailable`."""
        lifted = await self._table.lift(room, identity)
        await self._tell(f"{room} {identity}", BanNews(room=room, ban=None))
        return lifted

    async def lift_one(self, room: RoomId, ban_id: str) -> bool:
        """Take one kick or ban back. Whether it was there, of exactly this room. Raises `Unavailable`."""
        lifted = await self._table.lift_one(room, ban_id)
        await self._tell(f"{room} {ban_id}", BanNews(room=room, ban=None))
        return lifted

    def hear(self, message: bytes) -> None:
        """News from a replica."""
        try:
            news = BanNews.model_validate_json(message)
        except ValidationError:
            log.warning("ban_news_unreadable", size=len(message))
            return
        if news.ban is None:
            self._bans.forget(news.room)
            return
        self._bans.remember(news.room, (*self._bans.known(news.room), news.ban))
        self._enforce(news.room)

    def missed(self) -> None:
        """News may have been lost."""
        self._bans.forget_all()
        self._bans.unsure.update(local.room for local in self._hub)

    def _enforce(self, room: RoomId) -> None:
        """End the stay of everybody here who is kept out by what is known now."""
        local = self._hub.get(room)
        if local is None:
            return
        for member in tuple(local.members.values()):
            if bans.of_person(self._bans.known(room), member.person, self._clock.now()):
                self._start(self._remove(local, member.person))

    async def _remove(self, local: LocalRoom, person: Person) -> None:
        try:
            await self._store.remove(local.room, person.id)
            log.info("removed", room=local.room, participant=person.id)
        except NotFound:
            # Whoever made the ban was faster, or Redis has lost the room and we shall put it back: look again.
            self._bans.unsure.add(local.room)
        except ControlPlaneError as error:
            log.info("removal_failed", room=local.room, participant=person.id, reason=error.code)
            self._bans.unsure.add(local.room)

    async def _tell(self, key: str, news: BanNews) -> None:
        self._untold[key] = news
        await self._cache.announce(news)
        self._untold.pop(key, None)

    async def _catch_up_forever(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            try:
                await self._catch_up()
            except Unavailable:
                continue  # Redis is away: in a second again

    async def _catch_up(self) -> None:
        for key, news in tuple(self._untold.items()):
            await self._tell(key, news)
        for room in tuple(self._bans.unsure):
            if self._hub.get(room) is None:
                self._bans.unsure.discard(room)
                continue
            await self._bans.of(room)  # which is sure again, unless the database is away
            self._enforce(room)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _refuse(ban: Ban | None) -> None:
    if ban is not None:
        raise ban.sentence()
