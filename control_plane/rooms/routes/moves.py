"""REST: moving a room to another media server while people are in it."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from control_plane.errors import Conflict, NoCapacity, NotAllowed, NotFound
from control_plane.http.operation import Answer, Body, Caller, Operation
from control_plane.ids import NodeId
from control_plane.rooms.moving import Mover
from control_plane.rooms.placing import Target
from control_plane.rooms.routes.common import InRoom, by, own_room

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class MoveRequest(Body):
    """Either a node or a backend."""

    node: Annotated[Name | None, Field(description="The media node that it is to be on.")] = None
    backend: Annotated[
        Name | None, Field(description="The media server that it is to be on, such as `mediasoup`, on any node.")
    ] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "MoveRequest":
        if (self.node is None) == (self.backend is None):
            raise ValueError("give either node or backend")
        return self


class Moving(Answer):
    id: Annotated[str, Field(description="Of this move.")]
    room: str
    node: str | None
    backend: str | None


class MoveRoutes:
    def __init__(self, mover: Mover) -> None:
        self._mover = mover

    def operations(self) -> list[Operation[Any, Any]]:
        return [
            Operation(
                name="moveRoom", method="POST", path="/v1/rooms/{room}/move", tag="rooms",
                summary="Move a room to another media server",
                description="People stay in the call, and see each other all the while: they have both media servers "
                "until everybody has arrived, for some seconds at most. Encoders (WHIP) have to post again. A later "
                "request replaces one that is under way. The answer says that it begins; `live` of the room says when "
                "it is over, and where the room is then: it stays where it was when nobody arrives.",
                parameters=InRoom, body=MoveRequest, answer=Moving, status=202,
                errors=(NotAllowed, NotFound, Conflict, NoCapacity), handle=self._move,
            )
        ]  # fmt: skip

    async def _move(self, caller: Caller, parameters: InRoom, body: MoveRequest) -> Moving:
        target = Target(NodeId(body.node) if body.node else None, body.backend)
        move = await self._mover.move(own_room(caller, parameters), target, by(caller))
        return Moving(id=move.id, room=parameters.room, node=move.node, backend=move.backend)
