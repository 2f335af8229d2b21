"""REST: how a room is run."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import ConfigDict, model_validator

from control_plane.errors import NotAllowed, NotFound
from control_plane.http.conditions import IfMatch, IfNoneMatch
from control_plane.http.operation import Answer, Body, Caller, Nothing, Operation
from control_plane.rooms.office import RoomOffice
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.routes.common import InRoom, by, own_room


class Policy(RoomPolicy, Answer):
    """How a room is run."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class _Given(RoomPolicy, Body):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, given: Any) -> Any:
        """60.0 is an integer, as JSON Schema means it."""
        if not isinstance(given, dict):
            return given
        return {
            name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in given.items()
        }

    def given(self) -> dict[str, Any]:
        """What was said."""
        return self.model_dump(include=self.model_fields_set)


class PolicyRequest(_Given):
    """How a room is to be run; what is left out is as it says."""


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class PolicyChange(_Given):
    """What is to be another way; what is left out stays."""

    model_config: ClassVar[ConfigDict] = ConfigDict(json_schema_extra=_without_defaults)


class PolicyRead(InRoom, IfNoneMatch):
    pass


class PolicyWrite(InRoom, IfMatch):
    pass


def policy_view(policy: RoomPolicy) -> Policy:
    return Policy.model_validate(policy.model_dump())


class PolicyRoutes:
    def __init__(self, office: RoomOffice) -> None:
        self._office = office

    def operations(self) -> list[Operation[Any, Any]]:
        return [self._showing(), self._changing()]

    def _showing(self) -> Operation[PolicyRead, Nothing]:
        return Operation(
            name="getRoomPolicy", method="GET", path="/v1/rooms/{room}/policy", tag="rooms",
            summary="Show how a room is run",
            description="The policy in force. What moderators do in a live room, such as locking it, is in it, and "
            "ends with the people's stay.",
            parameters=PolicyRead, body=Nothing, answer=Policy, status=200,
            errors=(NotAllowed, NotFound), handle=self._show,
        )  # fmt: skip

    def _changing(self) -> Operation[PolicyWrite, PolicyChange]:
        return Operation(
            name="updateRoomPolicy", method="PATCH", path="/v1/rooms/{room}/policy", tag="rooms",
            summary="Change how a room is run",
            description="Only what is given changes, at once for who is in the room. Fewer places send nobody away; "
            "without a lobby those who wait come in.",
            parameters=PolicyWrite, body=PolicyChange, answer=Policy, status=200,
            errors=(NotAllowed, NotFound), handle=self._change,
        )  # fmt: skip

    async def _show(self, caller: Caller, parameters: PolicyRead, _: Nothing) -> Policy:
        known = await self._office.get(own_room(caller, parameters))
        return policy_view(known.policy)

    async def _change(self, caller: Caller, parameters: PolicyWrite, body: PolicyChange) -> Policy:
        changes: Mapping[str, Any] = body.given()
        room = own_room(caller, parameters)
        changed = await self._office.change_policy(
            room, by(caller), changes, lambda policy: parameters.expect(policy_view(policy))
        )
        return policy_view(changed)
