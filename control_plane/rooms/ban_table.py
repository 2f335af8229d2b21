"""Bans in the database, which outlive every process and an emptied Redis."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import bindparam, delete, or_, select

from control_plane.access.devices import DeviceHash
from control_plane.access.models import BanRow
from control_plane.database import Database, UtcDateTime, insert_new, utc_now
from control_plane.errors import Unavailable
from control_plane.ids import Identity, ParticipantId, RoomId
from control_plane.rooms.bans import Ban
from control_plane.rooms.together import Together

PATIENCE_S = 2.0
"""Somebody waits to join meanwhile."""


# Asked at the first join of every room: it is put together once. Bans by prefix are few, and compared here.
_HOLDING = select(BanRow).where(
    or_(BanRow.room.in_(bindparam("rooms", expanding=True)), BanRow.is_prefix),
    or_(BanRow.expires_at.is_(None), BanRow.expires_at > bindparam("now", type_=UtcDateTime)),
)


@dataclass(frozen=True, slots=True)
class BanRecord:
    """A ban, when it was made and by whom: `key:…`, `identity:…` or `operator`."""

    ban: Ban
    created_at: datetime
    created_by: str


class BanTable:
    """Every method raises `Unavailable` when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._together = Together(self._of_all)

    async def of(self, room: RoomId) -> tuple[Ban, ...]:
        """What holds for the room now, also by a prefix of its name. Those who ask at once are one question."""
        return await self._together.of(room)

    async def _of_all(self, rooms: Collection[RoomId]) -> dict[RoomId, tuple[Ban, ...]]:
        named = {"rooms": list(rooms), "now": utc_now()}
        try:
            async with asyncio.timeout(PATIENCE_S), self._database.transaction() as session:
                rows = (await session.scalars(_HOLDING, named)).all()
        except TimeoutError as error:
            raise Unavailable("The database does not answer now.") from error
        return {room: tuple(_ban(row) for row in rows if _is_of(row, room)) for room in rooms}

    async def page(self, room: RoomId, after: str, limit: int, identity: str | None = None) -> list[BanRecord]:
        """Up to `limit` that hold for exactly this room, and for this identity if one is given, by id, behind the id
        `after`."""
        query = select(BanRow).where(
            BanRow.room == room,
            ~BanRow.is_prefix,
            BanRow.id > after,
            or_(BanRow.expires_at.is_(None), BanRow.expires_at > utc_now()),
        )
        if identity is not None:
            query = query.where(BanRow.identity == identity)
        async with self._database.transaction() as session:
            return [_record(row) for row in await session.scalars(query.order_by(BanRow.id).limit(limit))]

    async def get(self, room: RoomId, ban_id: str) -> BanRecord | None:
        """Also one that has run out."""
        query = select(BanRow).where(BanRow.id == ban_id, BanRow.room == room, ~BanRow.is_prefix)
        async with self._database.transaction() as session:
            row = await session.scalar(query)
        return None if row is None else _record(row)

    async def add(self, room: RoomId, ban: Ban, by: str) -> None:
        """One that is there already stays as it is."""
        values = {
            "id": ban.id, "room": room, "is_prefix": False, "identity": ban.identity, "token_id": ban.token,
            "device": ban.device,
            "participant": ban.participant, "reason": ban.reason, "issued_until": _moment(ban.issued_until),
            "expires_at": _moment(ban.expires_at), "created_at": utc_now(), "created_by": by,
        }  # fmt: skip
        async with self._database.transaction() as session:
            await insert_new(session, BanRow, values)

    async def lift_one(self, room: RoomId, ban_id: str) -> bool:
        """Whether there was such a ban of exactly this room."""
        chosen = delete(BanRow).where(BanRow.id == ban_id, BanRow.room == room, ~BanRow.is_prefix)
        async with self._database.transaction() as session:
            return bool((await session.execute(chosen.returning(BanRow.id))).all())

    async def lift(self, room: RoomId, identity: Identity) -> bool:
        """Let the identity in again. Whether it was kept out of exactly this room."""
        chosen = delete(BanRow).where(BanRow.room == room, BanRow.identity == identity, ~BanRow.is_prefix)
        async with self._database.transaction() as session:
            return bool((await session.execute(chosen.returning(BanRow.id))).all())


def _is_of(row: BanRow, room: RoomId) -> bool:
    return room.startswith(row.room) if row.is_prefix else row.room == room


def _record(row: BanRow) -> BanRecord:
    return BanRecord(_ban(row), row.created_at, row.created_by)


def _ban(row: BanRow) -> Ban:
    return Ban(
        id=row.id,
        identity=Identity(row.identity or ""),
        token=row.token_id,
        device=DeviceHash(row.device) if row.device else None,
        participant=ParticipantId(row.participant) if row.participant else None,
        issued_until=row.issued_until.timestamp() if row.issued_until else None,
        expires_at=row.expires_at.timestamp() if row.expires_at else None,
        reason=row.reason,
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
