"""What moderators do to others."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import structlog

from control_plane.clock import Clock
from control_plane.errors import NotAllowed, NotFound
from control_plane.ids import ParticipantId, RoomId, TrackId
from control_plane.rooms import bans, views
from control_plane.rooms.ban_watch import BanWatch
from control_plane.rooms.domain import Person
from control_plane.rooms.member import Member
from control_plane.rooms.store import RoomStore
from control_plane.signaling.messages import (
    AdmitFromLobby,
    Ban,
    ChangePermissions,
    DenyFromLobby,
    Kick,
    Lock,
    MuteParticipant,
)

log = structlog.get_logger()


Decision = Callable[[RoomId, Person, ParticipantId], Awaitable[None]]


class Moderation:
    """Every method raises `NotAllowed` for who is no moderator, and `NotFound` for who is not there."""

    def __init__(self, store: RoomStore, watch: BanWatch, clock: Clock) -> None:
        self._store = store
        self._watch = watch
        self._clock = clock

    async def kick(self, moderator: Member, message: Kick) -> None:
        """End somebody's stay; the tokens that were issued to them until now let nobody in. Raises `Unavailable` while
        the database is away."""
        person = self._somebody_else(moderator, message.participant)
        await self._keep_out(moderator, person, bans.kick(person, self._clock.now(), message.reason))

    async def ban(self, moderator: Member, message: Ban) -> None:
        """End somebody's stay, and keep their identity out; with `device` also whoever comes on theirs. Raises as
        `kick`, and `NotAllowed` when it is the moderator's own."""
        person = self._somebody_else(moderator, message.participant)
        if message.device and person.device is not None and person.device == moderator.person.device:
            raise NotAllowed("They are on the same device as you: ban their identity only.")
        ban = bans.ban(person, self._clock.now(), message.reason, message.for_s, device=message.device)
        await self._keep_out(moderator, person, ban)

    async def _keep_out(self, moderator: Member, person: Person, ban: bans.Ban) -> None:
        room = moderator.room.room
        await self._watch.add(room, ban, by=f"identity:{moderator.person.identity}")
        others = (each for each in moderator.room.state.people.values() if each != person and ban.removes(each))
        for each in (person, *others):
            with suppress(NotFound):  # a replica that heard of the ban may be faster
                await self._store.remove(room, each.id)
        log.info("kept_out", room=room, participant=person.id, by=moderator.id, ban=ban.id)

    async def change_permissions(self, moderator: Member, message: ChangePermissions) -> None:
        """What is taken away ends at once."""
        person = moderated_person(moderator, message.participant)
        changes = message.model_dump(
            mode="json", include={"publish", "subscribe", "chat", "moderate"}, exclude_none=True
        )
        room = moderator.room.room
        await self._change(
            moderator, partial(self._store.change_permissions, room, moderator.person, person.id, changes)
        )
        log.info("permissions_changed", room=room, participant=person.id, by=moderator.id)

    async def mute(self, moderator: Member, message: MuteParticipant) -> None:
        """Mute a track or a source of somebody, or end a track. There is no way to unmute somebody else."""
        person = moderated_person(moderator, message.participant)
        room = moderator.room.room
        track = TrackId(message.track) if message.track else None
        if track is not None and message.stop:
            change = partial(self._store.stop, room, moderator.person, person.id, track)
        else:
            change = partial(self._store.mute, room, moderator.person, person.id, track=track, source=message.source)
        await self._change(moderator, change)
        log.info("muted", room=room, participant=person.id, by=moderator.id, stopped=message.stop)

    async def lock(self, moderator: Member, message: Lock) -> None:
        room = moderator.room.room
        expect_moderator(moderator)
        await self._change(moderator, partial(self._store.lock, room, moderator.person, message.locked))
        log.info("locked" if message.locked else "unlocked", room=room, by=moderator.id)

    async def admit(self, moderator: Member, message: AdmitFromLobby) -> None:
        """Let somebody in who waits. Raises `RoomFull`."""
        await self._decide(moderator, message.participant, self._store.admit)
        log.info("admitted", room=moderator.room.room, participant=message.participant, by=moderator.id)

    async def deny(self, moderator: Member, message: DenyFromLobby) -> None:
        await self._decide(moderator, message.participant, self._store.deny)
        log.info("denied", room=moderator.room.room, participant=message.participant, by=moderator.id)

    async def _decide(self, moderator: Member, participant: str, decision: Decision) -> None:
        expect_moderator(moderator)
        change = partial(decision, moderator.room.room, moderator.person, ParticipantId(participant))
        await self._change(moderator, change)

    @staticmethod
    async def _change(moderator: Member, change: Callable[[], Awaitable[None]]) -> None:
        await moderator.room.changing(change)

    @staticmethod
    def _somebody_else(moderator: Member, participant: str) -> Person:
        """Whose stay is to end, also if they wait in the lobby."""
        if participant == moderator.id:
            raise NotAllowed("You can't remove yourself: leave.")
        person = moderator.room.state.people.get(ParticipantId(participant))
        if person is not None and person.lobby:
            expect_moderator(moderator)
            return person
        return moderated_person(moderator, participant)


def expect_moderator(member: Member) -> None:
    """The script decides; this is for those whom no script would refuse. Raises `NotAllowed`."""
    if not member.person.permissions.moderate:
        raise NotAllowed("Only moderators may do this.")


def moderated_person(moderator: Member, participant: str) -> Person:
    """Whom a moderator's request is about. Nobody else can be found out to be here. Raises `NotAllowed`, `NotFound`."""
    expect_moderator(moderator)
    person = moderator.room.state.people.get(ParticipantId(participant))
    if person is None or not views.visible(person, moderator.id):
        raise NotFound("There is no such participant in this room.")
    return person
