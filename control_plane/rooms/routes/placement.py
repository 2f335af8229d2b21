"""REST: on which media node a room is, and why there."""

from typing import Annotated, Any

from pydantic import Field

from control_plane.errors import NotAllowed, NotFound
from control_plane.http.operation import Answer, Caller, Nothing, Operation
from control_plane.ids import RoomId
from control_plane.rooms.decisions import Decision, DecisionLog
from control_plane.rooms.office import RoomOffice
from control_plane.rooms.routes.common import InRoom, own_room


class NodesRejected(Answer):
    reason: Annotated[str, Field(description='Ends the sentence "1 node …": full, silent, just failed and so on.')]
    count: int
    nodes: Annotated[tuple[str, ...], Field(description="Which; of many, the first 20.")]


class PlacementDecision(Answer):
    """What was considered when a media node was needed."""

    at: Annotated[int, Field(description="Milliseconds since 1970.")]
    purpose: Annotated[
        str,
        Field(description="first: a room without node. join: to the room's node, in vain. move: to another node."),
    ]
    node: Annotated[str | None, Field(description="What was chosen; null when nobody could take it.")]
    streams: Annotated[int, Field(description="RTP streams that were reserved, or would have been: an estimate.")]
    region: Annotated[str | None, Field(description="Where the person is, as far as known.")]
    region_known: Annotated[bool, Field(description="false when no node is in that region: then any is as near.")]
    capabilities: Annotated[tuple[str, ...], Field(description="What the room can't be without.")]
    candidates: Annotated[tuple[str, ...], Field(description="Nodes in the order in which they were tried.")]
    rejected: tuple[NodesRejected, ...]


class RoomPlacement(Answer):
    room: str
    nodes: Annotated[tuple[str, ...], Field(description="Where its media are now; empty while nobody is in it.")]
    decisions: Annotated[
        tuple[PlacementDecision, ...], Field(description="Of the last hour, the latest first, at most ten.")
    ]


class PlacementRoutes:
    def __init__(self, office: RoomOffice, decisions: DecisionLog) -> None:
        self._office = office
        self._decisions = decisions

    def operations(self) -> list[Operation[Any, Any]]:
        return [
            Operation(
                name="explainPlacement", method="GET", path="/v1/rooms/{room}/placement", tag="rooms",
                summary="Explain where a room is",
                description="Its media node, and how that was decided: who could have taken it, and why others could "
                "not. Known for an hour, also of a room that nobody could be let into.",
                parameters=InRoom, body=Nothing, answer=RoomPlacement, status=200,
                errors=(NotAllowed, NotFound), handle=self._explain,
            )
        ]  # fmt: skip

    async def _explain(self, caller: Caller, parameters: InRoom, _: Nothing) -> RoomPlacement:
        return await explained(own_room(caller, parameters), self._office, self._decisions)


async def explained(room: RoomId, office: RoomOffice, decisions: DecisionLog) -> RoomPlacement:
    """Raises `NotFound`, `Unavailable`."""
    live, known = await office.live(room), await decisions.of(room)
    if live is None and not known:
        raise NotFound("Nobody is in such a room now, and nothing was decided about it in the last hour.")
    nodes = tuple(leg.node for leg in live.legs.values()) if live is not None else ()
    return RoomPlacement(room=room, nodes=nodes, decisions=tuple(map(_view, known)))


def _view(decision: Decision) -> PlacementDecision:
    return PlacementDecision.model_validate(decision.model_dump(mode="json"))
