"""What moderators do to others."""

import structlog

from control_plane.errors import NotAllowed, NotFound
from control_plane.ids import ParticipantId
from control_plane.rooms import views
from control_plane.rooms.domain import Person
from control_plane.rooms.member import Member
from control_plane.rooms.store import RoomStore
from control_plane.signaling.messages import ChangePermissions

log = structlog.get_logger()


class Moderation:
    def __init__(self, store: RoomStore) -> None:
        self._store = store

    async def change_permissions(self, moderator: Member, message: ChangePermissions) -> None:
        """Raises `NotAllowed`, `NotFound`."""
        person = self._person(moderator, message.participant)
        changes = message.model_dump(
            mode="json", include={"publish", "subscribe", "chat", "moderate"}, exclude_none=True
        )
        await self._store.change_permissions(moderator.room.room, moderator.person, person.id, changes)
        log.info("permissions_changed", room=moderator.room.room, participant=person.id, by=moderator.id)

    @staticmethod
    def _person(moderator: Member, participant: str) -> Person:
        """Whom a moderator's request is about. Nobody else can be found out to be here."""
        if not moderator.person.permissions.moderate:
            raise NotAllowed("Only moderators may do this.")
        person = moderator.room.state.people.get(ParticipantId(participant))
        if person is None or not views.visible(person, moderator.id):
            raise NotFound("There is no such participant in this room.")
        return person
