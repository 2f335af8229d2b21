"""Rooms in the database: how they are to be run, and what integrators say of them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from control_plane.database import Database, insert_new, utc_now
from control_plane.errors import Conflict, Unavailable
from control_plane.ids import RoomId
from control_plane.rooms.models import RoomRow
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.together import Together

PATIENCE_S = 2.0
"""Somebody waits to join meanwhile."""

# Asked when a room is made: it is put together once.
_POLICIES = select(RoomRow.name, RoomRow.policy).where(RoomRow.name.in_(bindparam("rooms", expanding=True)))
_DEFAULT = RoomPolicy()


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """`created_at` is None as long as it is in no database."""

    room: RoomId
    policy: RoomPolicy = field(default_factory=RoomPolicy)
    attributes: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None


class RoomRecords:
    """Every method raises `Unavailable` when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._together = Together(self._policies)

    async def get(self, room: RoomId) -> RoomRecord | None:
        async with self._database.transaction() as session:
            row = await session.get(RoomRow, room)
        return None if row is None else _record(row)

    async def policy(self, room: RoomId) -> RoomPolicy:
        """The default for a room of which there is nothing; soon, or `Unavailable`. Those who ask at once are one
        question."""
        return await self._together.of(room)

    async def _policies(self, rooms: Collection[RoomId]) -> dict[RoomId, RoomPolicy]:
        try:
            async with asyncio.timeout(PATIENCE_S), self._database.transaction() as session:
                rows = (await session.execute(_POLICIES, {"rooms": list(rooms)})).all()
        except TimeoutError as error:
            raise Unavailable("The database does not answer now.") from error
        known = {name: RoomPolicy.model_validate_json(text) for name, text in rows}
        return {room: known.get(room, _DEFAULT) for room in rooms}

    async def page(self, prefix: str, after: str, limit: int) -> list[RoomRecord]:
        """Up to `limit` rooms whose names begin with `prefix`, by name, behind the name `after`."""
        query = select(RoomRow).where(RoomRow.name >= prefix, RoomRow.name < f"{prefix}\x7f", RoomRow.name > after)
        async with self._database.transaction() as session:
            return [_record(row) for row in await session.scalars(query.order_by(RoomRow.name).limit(limit))]

    async def add(self, record: RoomRecord, by: str, request: str | None) -> RoomRecord:
        """Of one `request` the second time it is the room that the first has made. Raises `Conflict`."""
        async with self._database.transaction() as session:
            made = await insert_new(session, RoomRow, _values(record, by) | {"request": request})
            row = await session.get_one(RoomRow, record.room)
        if not made and (request is None or row.request != request):
            raise Conflict("There is such a room already.")
        return _record(row)

    async def change(self, room: RoomId, by: str, change: Callable[[RoomRecord], Awaitable[RoomRecord]]) -> RoomRecord:
        """One change of a room at a time, for all replicas; what `change` raises leaves all as it was.

        A room of which there is nothing is made by it.
        """
        async with self._database.transaction() as session:
            made = await insert_new(session, RoomRow, _values(RoomRecord(room), by) | {"request": None})
            row = await session.get_one(RoomRow, room, with_for_update=True)
            changed = await change(RoomRecord(room) if made else _record(row))
            row.policy, row.attributes = changed.policy.model_dump_json(), json.dumps(dict(changed.attributes))
            row.changed_at, row.changed_by = utc_now(), by
        return replace(changed, created_at=row.created_at)

    async def remove(self, room: RoomId) -> bool:
        """Whether there was one."""
        async with self._database.transaction() as session:
            gone = await session.execute(delete(RoomRow).where(RoomRow.name == room).returning(RoomRow.name))
            return bool(gone.all())


def _values(record: RoomRecord, by: str) -> dict[str, object]:
    now = utc_now()
    return {
        "name": record.room, "policy": record.policy.model_dump_json(),
        "attributes": json.dumps(dict(record.attributes)),
        "created_at": now, "created_by": by, "changed_at": now, "changed_by": by,
    }  # fmt: skip


def _record(row: RoomRow) -> RoomRecord:
    policy = RoomPolicy.model_validate_json(row.policy)
    return RoomRecord(RoomId(row.name), policy, json.loads(row.attributes), row.created_at)
