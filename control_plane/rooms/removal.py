"""Keeping people out of a room for integrators and operators, whoever holds their connections."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from control_plane.clock import Clock
from control_plane.errors import NotFound
from control_plane.ids import Identity, ParticipantId, RoomId
from control_plane.rooms import bans
from control_plane.rooms.ban_cache import BanCache, BanNews
from control_plane.rooms.ban_table import BanRecord, BanTable
from control_plane.rooms.bans import Ban
from control_plane.rooms.domain import Person
from control_plane.rooms.errors import RoomGone, RoomMissing
from control_plane.rooms.store import RoomStore

log = structlog.get_logger()


class BanBook(Protocol):
    """Where bans are written so that every replica acts on them. Raises `Unavailable`."""

    async def add(self, room: RoomId, ban: Ban, by: str) -> None: ...
    async def lift_one(self, room: RoomId, ban_id: str) -> bool: ...


class DirectBans:
    """Writes bans from outside any replica."""

    def __init__(self, table: BanTable, cache: BanCache) -> None:
        self._table = table
        self._cache = cache

    async def add(self, room: RoomId, ban: Ban, by: str) -> None:
        await self._table.add(room, ban, by)
        await self._cache.announce(BanNews(room=room, ban=ban))

    async def lift_one(self, room: RoomId, ban_id: str) -> bool:
        lifted = await self._table.lift_one(room, ban_id)
        await self._cache.announce(BanNews(room=room, ban=None))
        return lifted


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants it (`key:…`, `operator`), why, for how many seconds (None: for good), and whether the device is meant
    too; one with an `id` happens once."""

    by: str
    reason: str = ""
    for_s: int | None = None
    device: bool = False
    id: str | None = None


class Removals:
    """Every method raises `Unavailable` while the database or Redis is away."""

    def __init__(self, store: RoomStore, book: BanBook, table: BanTable, clock: Clock) -> None:
        self._store = store
        self._book = book
        self._table = table
        self._clock = clock

    async def kick(self, room: RoomId, participant: ParticipantId, order: Order) -> None:
        """End somebody's stay, and close the tokens that were issued to them. Raises `NotFound`."""
        person = await self._person(room, participant)
        await self._keep_out(room, bans.kick(person, self._clock.now(), order.reason), order)

    async def ban(self, room: RoomId, participant: ParticipantId, order: Order) -> BanRecord:
        """End somebody's stay and keep their identity out. Raises `NotFound`."""
        if (known := await self._known(room, order)) is not None:
            return known
        person = await self._person(room, participant)
        ban = bans.ban(person, self._clock.now(), order.reason, order.for_s, device=order.device)
        return await self._keep_out(room, ban, order)

    async def ban_identity(self, room: RoomId, identity: Identity, order: Order) -> BanRecord:
        """Keep an identity out, and end its stay if it is there."""
        if (known := await self._known(room, order)) is not None:
            return known
        ban = bans.ban_identity(identity, self._clock.now(), order.reason, order.for_s)
        return await self._keep_out(room, ban, order)

    async def lift(self, room: RoomId, ban_id: str, by: str) -> None:
        """Raises `NotFound`."""
        if not await self._book.lift_one(room, ban_id):
            raise NotFound("There is no such ban of this room.")
        log.info("ban_lifted", room=room, ban=ban_id, by=by)

    async def page(self, room: RoomId, after: str, limit: int, identity: str | None = None) -> list[BanRecord]:
        """Kicks and bans that hold, by id."""
        return await self._table.page(room, after, limit, identity)

    async def _known(self, room: RoomId, order: Order) -> BanRecord | None:
        return None if order.id is None else await self._table.get(room, order.id)

    async def _keep_out(self, room: RoomId, ban: Ban, order: Order) -> BanRecord:
        ban = ban if order.id is None else ban.model_copy(update={"id": order.id})
        await self._book.add(room, ban, order.by)
        for person in await self._people(room):
            if ban.removes(person):
                with suppress(NotFound):  # a replica that heard of the ban may be faster
                    await self._store.remove(room, person.id)
        log.info("kept_out", room=room, by=order.by, ban=ban.id)
        written = await self._table.get(room, ban.id)
        if written is None:
            raise NotFound("Somebody has lifted this ban already.")
        return written

    async def _person(self, room: RoomId, participant: ParticipantId) -> Person:
        for person in await self._people(room):
            if person.id == participant:
                return person
        raise NotFound("There is no such participant in this room now.")

    async def _people(self, room: RoomId) -> list[Person]:
        try:
            return list((await self._store.snapshot(room)).people.values())
        except (RoomGone, RoomMissing):
            return []
