"""REST: what an application says of rooms and of people in them, for itself."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from control_plane.errors import Conflict, NotAllowed, NotFound
from control_plane.http.conditions import IfMatch, IfNoneMatch
from control_plane.http.operation import Answer, Body, Caller, Nothing, Operation
from control_plane.names import AttributeName, AttributeValue
from control_plane.rooms.office import MAX_ATTRIBUTES, RoomOffice
from control_plane.rooms.routes.common import InRoom, OfParticipant, own_room, somebody
from control_plane.rooms.routes.common import by as name_of
from control_plane.rooms.store import RoomStore


class AttributeSet(Answer):
    """Short texts by name, in the order of the names."""

    attributes: dict[str, str]


class AttributesChange(Body):
    """What is left out stays; null removes one."""

    attributes: Annotated[
        dict[AttributeName, AttributeValue | None],
        Field(max_length=MAX_ATTRIBUTES, json_schema_extra={"additionalProperties": False}),
    ]


class RoomAttributesRead(InRoom, IfNoneMatch):
    pass


class RoomAttributesWrite(InRoom, IfMatch):
    pass


class AttributesRead(OfParticipant, IfNoneMatch):
    pass


class AttributesWrite(OfParticipant, IfMatch):
    pass


class AttributeRoutes:
    def __init__(self, office: RoomOffice, store: RoomStore) -> None:
        self._office = office
        self._store = store

    def operations(self) -> list[Operation[Any, Any]]:
        return [
            self._showing_of_room(),
            self._changing_of_room(),
            self._showing_of_participant(),
            self._changing_of_participant(),
        ]

    def _showing_of_room(self) -> Operation[RoomAttributesRead, Nothing]:
        return Operation(
            name="getRoomAttributes", method="GET", path="/v1/rooms/{room}/attributes", tag="rooms",
            summary="Show a room's attributes",
            description="They are the application's own; participants are not told.",
            parameters=RoomAttributesRead, body=Nothing, answer=AttributeSet, status=200,
            errors=(NotAllowed, NotFound), handle=self._show_of_room,
        )  # fmt: skip

    def _changing_of_room(self) -> Operation[RoomAttributesWrite, AttributesChange]:
        return Operation(
            name="updateRoomAttributes", method="PATCH", path="/v1/rooms/{room}/attributes", tag="rooms",
            summary="Change a room's attributes",
            description="Only what is given changes. They stay until the room is deleted.",
            parameters=RoomAttributesWrite, body=AttributesChange, answer=AttributeSet, status=200,
            errors=(NotAllowed, NotFound, Conflict), handle=self._change_of_room,
        )  # fmt: skip

    def _showing_of_participant(self) -> Operation[AttributesRead, Nothing]:
        return Operation(
            name="getParticipantAttributes", method="GET", tag="participants",
            path="/v1/rooms/{room}/participants/{participant}/attributes",
            summary="Show a participant's attributes",
            description="First those of the token; everybody in the room sees them.",
            parameters=AttributesRead, body=Nothing, answer=AttributeSet, status=200,
            errors=(NotAllowed, NotFound), handle=self._show_of_participant,
        )  # fmt: skip

    def _changing_of_participant(self) -> Operation[AttributesWrite, AttributesChange]:
        return Operation(
            name="updateParticipantAttributes", method="PATCH", tag="participants",
            path="/v1/rooms/{room}/participants/{participant}/attributes",
            summary="Change a participant's attributes",
            description="Only what is given changes, for this stay. Everybody in the room is told.",
            parameters=AttributesWrite, body=AttributesChange, answer=AttributeSet, status=200,
            errors=(NotAllowed, NotFound, Conflict), handle=self._change_of_participant,
        )  # fmt: skip

    async def _show_of_room(self, caller: Caller, parameters: RoomAttributesRead, _: Nothing) -> AttributeSet:
        return attribute_set((await self._office.get(own_room(caller, parameters))).attributes)

    async def _change_of_room(
        self, caller: Caller, parameters: RoomAttributesWrite, body: AttributesChange
    ) -> AttributeSet:
        changed = await self._office.change_attributes(
            own_room(caller, parameters),
            name_of(caller),
            body.attributes,
            lambda known: parameters.expect(attribute_set(known)),
        )
        return attribute_set(changed)

    async def _show_of_participant(self, caller: Caller, parameters: AttributesRead, __: Nothing) -> AttributeSet:
        _, person = await somebody(self._store, own_room(caller, parameters), parameters.who)
        return attribute_set(person.attributes)

    async def _change_of_participant(
        self, caller: Caller, parameters: AttributesWrite, body: AttributesChange
    ) -> AttributeSet:
        state, person = await somebody(self._store, own_room(caller, parameters), parameters.who)
        known, changes = person.attributes, body.attributes
        parameters.expect(attribute_set(known))
        # Given as `*`, it is changed whatever it is; else it has to be what was just looked at.
        expected = None if parameters.if_match == "*" else known
        await self._store.set_attributes(state.room, None, person.id, changes, expected)
        now = {**known, **changes}
        return attribute_set({name: value for name, value in now.items() if value is not None})


def attribute_set(attributes: Mapping[str, str]) -> AttributeSet:
    return AttributeSet(attributes=dict(sorted(attributes.items())))
