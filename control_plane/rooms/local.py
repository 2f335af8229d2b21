"""A room on this replica: its mirror, the members whose connections are here, and what happens when it changes."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import structlog

from control_plane.errors import ControlPlaneError, Unavailable
from control_plane.ids import Incarnation, LegId, ParticipantId, ReplicaId, RoomId
from control_plane.rooms import views
from control_plane.rooms.domain import (
    Change,
    Delta,
    HandedOver,
    LegChanged,
    LegGone,
    MoveChanged,
    Person,
    PersonChanged,
    PersonGone,
    RoomClosed,
    RoomState,
    TokenReused,
    TrackChanged,
    TrackGone,
    Word,
)
from control_plane.rooms.errors import PersonMissing, RoomGone, RoomMissing, Superseded
from control_plane.rooms.member import Member
from control_plane.rooms.mirror import Gap, Mirror
from control_plane.rooms.store import RoomStore
from control_plane.signaling.messages import CloseCode, RoomSnapshot

log = structlog.get_logger()

CATCH_UP_S = 1.0
_AFFECTS_MEDIA = (PersonChanged, TrackChanged, TrackGone, LegChanged, LegGone, MoveChanged)

Result = TypeVar("Result")
Gone = Callable[["LocalRoom", Person, Member | None], None]


class LocalRoom:
    """Deltas that arrive while the first snapshot is on its way wait for it.

    `on_media` is called with this room when its members' subscriptions may have to change; `on_gone` with each person
    whose stay was ended by somebody else, and with the member if their connection is here. `opened` is the leg whose
    node was asked by this replica to open the room.
    """

    def __init__(
        self,
        room: RoomId,
        replica: ReplicaId,
        store: RoomStore,
        on_media: Callable[["LocalRoom"], None],
        on_gone: Gone,
    ) -> None:
        self.room = room
        self.members: dict[ParticipantId, Member] = {}
        self.entering = 0
        self.restored_at = 0
        self.opened: LegId | None = None
        self._closed: Incarnation | None = None
        self._replica = replica
        self._store = store
        self._on_media = on_media
        self._on_gone = on_gone
        self._mirror: Mirror | None = None
        self._early: list[Delta] = []
        self._advanced = asyncio.Event()
        self._refreshing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._snapshots = views.Snapshots()

    @property
    def state(self) -> RoomState:
        if self._mirror is None:
            raise RuntimeError("a room has a state once somebody was admitted")
        return self._mirror.state

    @property
    def loaded(self) -> bool:
        return self._mirror is not None

    @property
    def version(self) -> int:
        return self._mirror.state.version if self._mirror else 0

    @property
    def incarnation(self) -> Incarnation | None:
        return self._mirror.state.incarnation if self._mirror else None

    def admit(self, state: RoomState) -> None:
        """Take the first snapshot, from the script that let somebody in, and what arrived in the meantime.

        Another incarnation is another room: whoever is not in it was in one that is closed. Raises `RoomGone` when this
        one is closed already.
        """
        if self._mirror is None:
            self._mirror = Mirror(state)
            self.restored_at = state.restored_at
            early, self._early = self._early, []
            for delta in early:
                self.apply(delta)
        elif self.incarnation != state.incarnation:
            self.restored_at = state.restored_at
            self._replace(state)
        if self._closed == state.incarnation:
            raise RoomGone(self.room)

    def apply(self, delta: Delta) -> None:
        """A step of the room arrived."""
        if self._mirror is None:
            self._early.append(delta)
            return
        before = self._mirror.state
        try:
            changes = self._mirror.apply(delta)
        except Gap:
            self.refresh_soon()
            return
        if changes:
            self._advance()
            self._tell_members(before, changes)

    def pass_on(self, word: Word) -> None:
        """Tell our members what somebody sends them. Who is not in yet, or not any more, misses it."""
        if self.incarnation != word.incarnation:
            return
        body = views.topic_message(word, self.version)
        for member in tuple(self.members.values()):
            if member.present and (word.to is None or member.id in word.to):
                member.connection.send_event(body)

    def snapshot(self, viewer: ParticipantId) -> RoomSnapshot:
        """The room now, as the viewer may see it."""
        return self._snapshots.of(self.state, viewer)

    async def wait_for(self, version: int) -> None:
        """Return once the mirror has reached `version`, which our own script made: its delta is on its way."""
        deadline = asyncio.get_running_loop().time() + CATCH_UP_S
        while self.version < version:
            self._advanced.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._advanced.wait()
            except TimeoutError:
                await self.refresh()
                return

    def refresh_soon(self) -> None:
        """Fetch a snapshot, one at a time."""
        if not self._refreshing:
            self._refreshing = True
            self._start(self._refresh_quietly())

    async def refresh(self) -> None:
        """Replace the mirror by what Redis has. Raises `Unavailable`, `RoomGone`, `RoomMissing`."""
        state = await self._store.snapshot(self.room)
        if state.restored_at != self.restored_at:
            await self.put_back()
            state = await self._store.snapshot(self.room)
            self.restored_at = state.restored_at
        self._replace(state)

    async def changing(self, change: Callable[[], Awaitable[Result]]) -> Result:
        """Make a change for one of our members. If Redis came back without the member, it is put back first."""
        try:
            return await change()
        except PersonMissing:
            await self._heal()
            return await change()

    async def _heal(self) -> None:
        try:
            await self.refresh()
        except RoomMissing:
            await self.put_back()
            await self.refresh()

    async def put_back(self) -> None:
        """Tell Redis, which has lost the room, what this replica knows: the room, and its own members."""
        mine = {member.id: (member.person, member.tokens) for member in self.members.values() if not member.ended}
        tracks = [track for track in self.state.tracks.values() if track.participant in mine]
        try:
            await self._store.restore(self.state, mine, tracks)
        except Superseded:
            log.warning("room_replaced_by_an_older_one", room=self.room)

    def add(self, member: Member) -> None:
        """A member has arrived; an earlier connection of the same participant ends."""
        earlier = self.members.get(member.id)
        self.members[member.id] = member
        if earlier is not None:
            self._moved_on(earlier)

    def remove(self, member: Member) -> None:
        if self.members.get(member.id) is member:
            del self.members[member.id]

    def end_all(self) -> None:
        """The room was ended for everybody."""
        self._closed = self.incarnation
        for member in tuple(self.members.values()):
            self._end_with_room(member)

    def _end_with_room(self, member: Member) -> None:
        if not member.ended:
            self._on_gone(self, member.person, member)
            member.end("room_closed", "This room has been closed.", final=True)

    async def _refresh_quietly(self) -> None:
        try:
            await self.refresh()
        except (Unavailable, RoomMissing) as reason:
            log.info("room_refresh_failed", room=self.room, reason=type(reason).__name__)
        except RoomGone:
            self.end_all()
        finally:
            self._refreshing = False

    def _replace(self, state: RoomState) -> None:
        before = self.incarnation
        if self._mirror is None or not self._mirror.replace(state):
            return
        self._advance()
        for member in tuple(self.members.values()):
            person = state.people.get(member.id)
            if person is None and before != state.incarnation:
                self.remove(member)
                self._end_with_room(member)
            elif person is None:
                self._ended(member, "removed")
            elif self._follow(member, person):
                self._show_again(member)
        self._on_media(self)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _advance(self) -> None:
        self._advanced.set()

    def _tell_members(self, before: RoomState, changes: Sequence[Change]) -> None:
        bodies = views.EventBodies(before, self.state, changes)
        for member in tuple(self.members.values()):
            if member.welcomed:
                for body in bodies.bodies(member.id):
                    member.connection.send_event(body)
        for change in changes:
            self._act_on(before, change)
        if any(isinstance(change, _AFFECTS_MEDIA) for change in changes):
            self._on_media(self)

    def _act_on(self, before: RoomState, change: Change) -> None:
        match change:
            case PersonChanged(person=person) if person.id in self.members:
                member = self.members[person.id]
                if self._follow(member, person):
                    self._person_changed(member, before.people.get(person.id))
            case PersonGone(id=gone, reason=reason):
                if gone in self.members:
                    self._ended(self.members[gone], reason)
                elif reason == "removed" and gone in before.people:
                    self._on_gone(self, before.people[gone], None)
            case TokenReused(id=owner) if owner in self.members:
                self.members[owner].end("token_reused", "Your session was used twice; please join again.", final=False)
            case HandedOver(id=heir, previous=previous) if heir in self.members:
                log.info("moderation_handed_over", room=self.room, participant=heir, previous=previous)
            case RoomClosed():
                self.end_all()

    def _person_changed(self, member: Member, seen: Person | None) -> None:
        if member.on_admitted is not None:
            if not member.person.lobby:
                member.let_in()
            return
        member.place()
        promoted = seen is not None and seen.permissions.moderate != member.person.permissions.moderate
        if promoted and any(person.lobby for person in self.state.people.values()):
            self._show_again(member)  # only moderators know who waits

    def _show_again(self, member: Member) -> None:
        """The room as it is now, to a client that could not follow it."""
        if member.on_admitted is not None and not member.person.lobby:
            member.let_in()
        elif member.welcomed:
            member.connection.send_event(views.snapshot_event(self.snapshot(member.id)))
            member.place()

    def _follow(self, member: Member, person: Person) -> bool:
        """Take what is new about a member. False when its participant goes on over another connection."""
        if person.generation > member.generation:
            self.remove(member)
            member.end("moved_on", "You continue over another connection.", final=True, close=CloseCode.SUPERSEDED)
            return False
        if person.generation == member.generation:
            member.person = person
            if person.replica != self._replica:
                self._start(self._attach(member))
        return True

    async def _attach(self, member: Member) -> None:
        """Somebody took this replica for dead; the next look tries again if this fails."""
        try:
            await self._store.attach(self.room, member.id, member.generation, self._replica)
        except ControlPlaneError as error:
            log.info("attach_failed", room=self.room, participant=member.id, reason=error.code)

    @staticmethod
    def _moved_on(member: Member) -> None:
        member.end("moved_on", "You continue over another connection.", final=True, close=CloseCode.SUPERSEDED)

    def _ended(self, member: Member, reason: str) -> None:
        self.remove(member)
        if member.ended:
            return
        if reason == "left":  # said at another replica, which only publishers by HTTP can do
            member.ended = True
            member.connection.close(CloseCode.ENDED, "left")
            return
        self._on_gone(self, member.person, member)
        if reason == "replaced":
            member.end("replaced", "You joined again from elsewhere.", final=True)
        elif reason == "removed":
            member.end("removed", "You were removed from the room.", final=True)
        elif reason == "denied":
            member.end("lobby_denied", "You were not let into the room.", final=True)
        elif reason == "waited_too_long":
            member.end("lobby_timeout", "Nobody let you in. Try again later.", final=True)
        else:
            member.end("removed", "Your place was given up; please join again.", final=False)
