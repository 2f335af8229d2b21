"""The rooms that this replica holds: what the inbox brings goes to them, and a look every second keeps them true."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import structlog
from pydantic import ValidationError

from control_plane.errors import Unavailable
from control_plane.ids import ParticipantId, ReplicaId, RoomId
from control_plane.rooms.domain import DELTA, WORD, WORD_BEGINS, Word
from control_plane.rooms.errors import RoomGone, RoomMissing
from control_plane.rooms.local import Gone, LocalRoom
from control_plane.rooms.member import Member
from control_plane.rooms.store import RoomStore, Tended

log = structlog.get_logger()

LATE_DELTA_S = 0.25


class RoomHub:
    """`on_media` is told of rooms whose members' subscriptions may have to change, `on_gone` as by `LocalRoom`."""

    def __init__(
        self, replica: ReplicaId, store: RoomStore, on_media: Callable[[LocalRoom], None], on_gone: Gone
    ) -> None:
        self._replica = replica
        self._store = store
        self._on_media = on_media
        self._on_gone = on_gone
        self._rooms: dict[RoomId, LocalRoom] = {}
        self._releases: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[LocalRoom]:
        return iter(tuple(room for room in self._rooms.values() if room.loaded))

    def get(self, room: RoomId) -> LocalRoom | None:
        """The room, if somebody of it is here."""
        return self._rooms.get(room)

    def find(self, room: RoomId, participant: ParticipantId) -> Member | None:
        local = self._rooms.get(room)
        return local.members.get(participant) if local else None

    @asynccontextmanager
    async def entering(self, room: RoomId) -> AsyncIterator[LocalRoom]:
        """The room, held while somebody enters it; let go afterwards if nobody did."""
        local = self._rooms.get(room)
        if local is None:
            local = self._rooms[room] = LocalRoom(room, self._replica, self._store, self._on_media, self._on_gone)
        local.entering += 1
        try:
            yield local
        finally:
            local.entering -= 1
            self.let_go(local)

    def let_go(self, local: LocalRoom) -> None:
        """Forget a room without members, and its lease, so that another replica need not wait for it."""
        if local.members or local.entering or self._rooms.get(local.room) is not local:
            return
        del self._rooms[local.room]
        if local.loaded:
            task = asyncio.get_running_loop().create_task(self._release(local.room))
            self._releases.add(task)
            task.add_done_callback(self._releases.discard)

    def hear(self, message: bytes) -> None:
        """A message of this replica's inbox."""
        try:
            heard = WORD.validate_json(message) if message.startswith(WORD_BEGINS) else DELTA.validate_json(message)
        except ValidationError:
            log.warning("inbox_message_unreadable", size=len(message))
            return
        local = self._rooms.get(heard.room)
        if local is None:
            return
        if isinstance(heard, Word):
            local.pass_on(heard)
        else:
            local.apply(heard)

    def missed(self) -> None:
        """The inbox was away: whatever was sent meanwhile is lost."""
        for local in self:
            local.refresh_soon()

    async def tend(self, drive: Callable[[LocalRoom, Tended], Awaitable[None]]) -> None:
        """Look at every room once: heal what was lost, then let `drive` do what the lease's holder does."""
        await asyncio.gather(*(self._tend(local, drive) for local in self))

    async def _tend(self, local: LocalRoom, drive: Callable[[LocalRoom, Tended], Awaitable[None]]) -> None:
        try:
            tended = await self._store.tend(local.room, self._replica)
        except Unavailable:
            return
        except RoomGone:
            local.end_all()
            return
        except RoomMissing:
            await self._restore(local)
            return
        if (tended.incarnation, tended.version) != (local.incarnation, local.version):
            asyncio.get_running_loop().call_later(LATE_DELTA_S, self._refresh_if_behind, local, tended)
        await drive(local, tended)

    async def _restore(self, local: LocalRoom) -> None:
        log.info("room_missing_in_redis", room=local.room, members=len(local.members))
        if local.members:
            try:
                await local.put_back()
            except Unavailable:
                return
            local.refresh_soon()
        else:
            self.let_go(local)

    @staticmethod
    def _refresh_if_behind(local: LocalRoom, tended: Tended) -> None:
        """A delta may just have been on its way; one that still is missing was lost."""
        if local.incarnation != tended.incarnation or local.version < tended.version:
            local.refresh_soon()

    async def drain(self) -> None:
        """Wait for leases that are being given up."""
        await asyncio.gather(*self._releases)

    async def _release(self, room: RoomId) -> None:
        try:
            await self._store.release(room, self._replica)
        except Unavailable:
            log.debug("lease_not_released", room=room)
