"""What integrators and operators do with rooms: make, list, change and end them, whether anybody is in them or not.

A room may be in the database (it was made on purpose), live (people are in it), or both. Its policy in force is that of
the live room, which moderators may have changed in it; the database's is what the room begins with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from control_plane.errors import Conflict, ControlPlaneError, NotFound
from control_plane.ids import RoomId
from control_plane.rooms.domain import RoomState
from control_plane.rooms.errors import RoomGone, RoomMissing
from control_plane.rooms.index import RoomIndex, RoomSummary
from control_plane.rooms.policies import PolicyCache
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.records import RoomRecord, RoomRecords
from control_plane.rooms.store import RoomStore

log = structlog.get_logger()

MAX_ATTRIBUTES = 16

ExpectPolicy = Callable[[RoomPolicy], None]
"""Raises when what is to be changed is not what the caller means."""
ExpectAttributes = Callable[[Mapping[str, str]], None]


@dataclass(frozen=True, slots=True)
class KnownRoom:
    """`record` of one that was made on purpose, `live` of one that people are in; one of them at least."""

    room: RoomId
    record: RoomRecord | None
    live: RoomState | None

    @property
    def policy(self) -> RoomPolicy:
        """In force."""
        if self.live is not None:
            return self.live.policy
        return self.record.policy if self.record is not None else RoomPolicy()

    @property
    def attributes(self) -> Mapping[str, str]:
        return self.record.attributes if self.record is not None else {}


@dataclass(frozen=True, slots=True)
class ListedRoom:
    room: RoomId
    record: RoomRecord | None
    live: RoomSummary | None


@dataclass(frozen=True, slots=True)
class RoomPage:
    """`behind` is the name that the next page begins behind, None at the end."""

    rooms: list[ListedRoom] = field(default_factory=list)
    behind: RoomId | None = None


class RoomOffice:
    """Every method raises `Unavailable` while the database or Redis is away. `by` is `key:…` or `operator`."""

    def __init__(self, records: RoomRecords, policies: PolicyCache, store: RoomStore, index: RoomIndex) -> None:
        self._records = records
        self._policies = policies
        self._store = store
        self._index = index

    async def create(self, record: RoomRecord, by: str, request: str | None = None) -> KnownRoom:
        """Of one `request` the second time it is the room that the first has made. People may be in a room of this name
        already: it is run in this way from now on. Raises `Conflict` when there is such a room."""
        made = await self._records.add(record, by, request)
        await self._policies.announce(record.room)
        await self._apply(record.room, record.policy.model_dump(mode="json"))
        log.info("room_made", room=record.room, by=by)
        return KnownRoom(record.room, made, await self.live(record.room))

    async def get(self, room: RoomId) -> KnownRoom:
        """Raises `NotFound`."""
        record, live = await self._records.get(room), await self.live(room)
        if record is None and live is None:
            raise _no_room(room)
        return KnownRoom(room, record, live)

    async def page(self, prefix: str, after: str, limit: int) -> RoomPage:
        """Rooms whose names begin with `prefix`, by name. A page may hold fewer than `limit`."""
        made = {each.room: each for each in await self._records.page(prefix, after, limit)}
        held = await self._index.names(prefix, after, limit)
        names = sorted({*made, *held})
        more = len(made) == limit or len(held) == limit or len(names) > limit
        names = names[:limit]
        live = await self._index.summaries(names)
        rooms = [ListedRoom(name, made.get(name), live.get(name)) for name in names if name in made or name in live]
        return RoomPage(rooms, names[-1] if more else None)

    async def change_policy(
        self, room: RoomId, by: str, changes: Mapping[str, Any], expect: ExpectPolicy = lambda _: None
    ) -> RoomPolicy:
        """Change these fields, for people in the room now and later; returns the policy in force. `expect` is asked
        about it before. Raises `NotFound`."""
        in_force = RoomPolicy()

        async def change(record: RoomRecord) -> RoomRecord:
            nonlocal in_force
            live = await self.live(room)
            if live is None and record.created_at is None:
                raise _no_room(room)
            in_force = live.policy if live is not None else record.policy
            expect(in_force)
            in_force = _changed(in_force, changes)
            # Here, before others see the record: of two administrators the second is told of the first.
            await self._apply(room, changes)
            return replace(record, policy=_changed(record.policy, changes))

        await self._records.change(room, by, change)
        await self._policies.announce(room)
        await self._apply(room, changes)  # somebody may just have made the room with what was known before
        log.info("room_policy_changed", room=room, by=by, fields=sorted(changes))
        return in_force

    async def change_attributes(
        self, room: RoomId, by: str, changes: Mapping[str, str | None], expect: ExpectAttributes = lambda _: None
    ) -> Mapping[str, str]:
        """Change these; None removes one. Raises `NotFound`, `Conflict` for more than 16."""

        async def change(record: RoomRecord) -> RoomRecord:
            if record.created_at is None and await self.live(room) is None:
                raise _no_room(room)
            expect(record.attributes)
            changed = {**record.attributes, **changes}
            kept = {name: value for name, value in sorted(changed.items()) if value is not None}
            if len(kept) > MAX_ATTRIBUTES:
                raise Conflict(f"A room has at most {MAX_ATTRIBUTES} attributes.")
            return replace(record, attributes=kept)

        return (await self._records.change(room, by, change)).attributes

    async def close(self, room: RoomId, by: str) -> None:
        """End the room for everybody in it; what it is to be run by stays. Raises `NotFound`."""
        known = await self.get(room)
        if known.live is not None:
            await self._store.close(room, known.live.incarnation)
            log.info("room_closed", room=room, by=by)

    async def remove(self, room: RoomId, by: str) -> None:
        """End the room for everybody in it, and forget how it was to be run. Raises `NotFound`."""
        removed = await self._records.remove(room)
        await self._policies.announce(room)
        live = await self.live(room)
        if live is not None:
            await self._store.close(room, live.incarnation)
        elif not removed:
            raise _no_room(room)
        log.info("room_removed", room=room, by=by)

    async def live(self, room: RoomId) -> RoomState | None:
        try:
            return await self._store.snapshot(room)
        except (RoomGone, RoomMissing):
            return None

    async def _apply(self, room: RoomId, changes: Mapping[str, Any]) -> None:
        try:
            await self._store.change_policy(room, changes)
        except (RoomGone, RoomMissing):
            return  # whoever makes it asks for its policy


def _changed(policy: RoomPolicy, changes: Mapping[str, Any]) -> RoomPolicy:
    return RoomPolicy.model_validate(policy.model_dump() | dict(changes))


def _no_room(room: RoomId) -> ControlPlaneError:
    return NotFound(f"There is no room {room}.")
