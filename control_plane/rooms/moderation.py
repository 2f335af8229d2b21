"""What moderators do to others."""

from contextlib import suppress

import structlog

from control_plane.clock import Clock
from control_plane.errors import NotAllowed, NotFound
from control_plane.ids import ParticipantId
from control_plane.rooms import bans, views
from control_plane.rooms.ban_watch import BanWatch
from control_plane.rooms.domain import Person
from control_plane.rooms.member import Member
from control_plane.rooms.store import RoomStore
from control_plane.signaling.messages import Ban, ChangePermissions, Kick

log = structlog.get_logger()


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
        """End somebody's stay, and keep their identity out. Raises as `kick`."""
        person = self._somebody_else(moderator, message.participant)
        await self._keep_out(moderator, person, bans.ban(person, self._clock.now(), message.reason, message.for_s))

    async def _keep_out(self, moderator: Member, person: Person, ban: bans.Ban) -> None:
        room = moderator.room.room
        await self._watch.add(room, ban, by=f"identity:{moderator.person.identity}")
        with suppress(NotFound):  # a replica that heard of the ban may be faster
            await self._store.remove(room, person.id)
        log.info("kept_out", room=room, participant=person.id, by=moderator.id, ban=ban.id)

    async def change_permissions(self, moderator: Member, message: ChangePermissions) -> None:
        """What is taken away ends at once."""
        person = self._person(moderator, message.participant)
        changes = message.model_dump(
            mode="json", include={"publish", "subscribe", "chat", "moderate"}, exclude_none=True
        )
        await self._store.change_permissions(moderator.room.room, moderator.person, person.id, changes)
        log.info("permissions_changed", room=moderator.room.room, participant=person.id, by=moderator.id)

    def _somebody_else(self, moderator: Member, participant: str) -> Person:
        if participant == moderator.id:
            raise NotAllowed("You can't remove yourself: leave.")
        return self._person(moderator, participant)

    @staticmethod
    def _person(moderator: Member, participant: str) -> Person:
        """Whom a moderator's request is about. Nobody else can be found out to be here."""
        if not moderator.person.permissions.moderate:
            raise NotAllowed("Only moderators may do this.")
        person = moderator.room.state.people.get(ParticipantId(participant))
        if person is None or not views.visible(person, moderator.id):
            raise NotFound("There is no such participant in this room.")
        return person
