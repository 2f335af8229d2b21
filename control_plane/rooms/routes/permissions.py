"""REST: what somebody may do in a room."""

from typing import Annotated, Any

from pydantic import Field

from control_plane.errors import NotAllowed, NotFound
from control_plane.http.conditions import IfMatch, IfNoneMatch
from control_plane.http.operation import Answer, Body, Caller, Nothing, Operation
from control_plane.rooms import permissions
from control_plane.rooms.routes.common import OfParticipant, own_room, somebody
from control_plane.rooms.store import RoomStore
from media_adapters.models import TrackSource

_PATH = "/v1/rooms/{room}/participants/{participant}/permissions"


class Permissions(Answer):
    """What somebody may do in this stay."""

    publish: Annotated[list[TrackSource], Field(description="What they may send.")]
    subscribe: Annotated[bool, Field(description="May see and hear the others.")]
    chat: Annotated[bool, Field(description="May write to everybody.")]
    moderate: Annotated[bool, Field(description="May remove and ban others, and change what they may do.")]
    own_attributes: Annotated[bool, Field(description="May change their own attributes.")]
    hidden: Annotated[bool, Field(description="Is not shown to others; for the whole stay.")]


class PermissionsChange(Body):
    """Only what is given changes."""

    publish: Annotated[tuple[TrackSource, ...] | None, Field(max_length=8, description="What they may send.")] = None
    subscribe: Annotated[bool | None, Field(description="May see and hear the others.")] = None
    chat: Annotated[bool | None, Field(description="May write to everybody.")] = None
    moderate: Annotated[bool | None, Field(description="May remove and ban others, and change what they may do.")] = (
        None
    )
    own_attributes: Annotated[bool | None, Field(description="May change their own attributes.")] = None


class PermissionsRead(OfParticipant, IfNoneMatch):
    pass


class PermissionsWrite(OfParticipant, IfMatch):
    pass


class PermissionRoutes:
    def __init__(self, store: RoomStore) -> None:
        self._store = store

    def operations(self) -> list[Operation[Any, Any]]:
        return [self._showing(), self._changing()]

    def _showing(self) -> Operation[PermissionsRead, Nothing]:
        return Operation(
            name="getParticipantPermissions", method="GET", path=_PATH, tag="participants",
            summary="Show what a participant may do",
            description="First what the token grants, then what moderators and you make of it.",
            parameters=PermissionsRead, body=Nothing, answer=Permissions, status=200,
            errors=(NotAllowed, NotFound), handle=self._show,
        )  # fmt: skip

    def _changing(self) -> Operation[PermissionsWrite, PermissionsChange]:
        return Operation(
            name="updateParticipantPermissions", method="PATCH", path=_PATH, tag="participants",
            summary="Change what a participant may do",
            description="For this stay. Tracks of sources that may not be sent any more end at once, and at the media "
            "node. Who waits in the lobby is not found.",
            parameters=PermissionsWrite, body=PermissionsChange, answer=Permissions, status=200,
            errors=(NotAllowed, NotFound), handle=self._change,
        )  # fmt: skip

    async def _show(self, caller: Caller, parameters: PermissionsRead, __: Nothing) -> Permissions:
        _, person = await somebody(self._store, own_room(caller, parameters), parameters.who)
        return permissions_view(person.permissions)

    async def _change(self, caller: Caller, parameters: PermissionsWrite, body: PermissionsChange) -> Permissions:
        state, person = await somebody(self._store, own_room(caller, parameters), parameters.who)
        known = person.permissions
        parameters.expect(permissions_view(known))
        changes = body.model_dump(mode="json", exclude_none=True)
        # Given as `*`, it is changed whatever it is; else it has to be what was just looked at.
        expected = None if parameters.if_match == "*" else known
        await self._store.change_permissions(state.room, None, person.id, changes, expected)
        return permissions_view(permissions.Permissions.model_validate(known.model_dump() | changes))


def permissions_view(known: permissions.Permissions) -> Permissions:
    return Permissions(
        publish=list(known.publish),
        subscribe=known.subscribe,
        chat=known.chat,
        moderate=known.moderate,
        own_attributes=known.own_attributes,
        hidden=known.hidden,
    )
