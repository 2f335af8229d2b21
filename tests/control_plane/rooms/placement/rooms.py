"""Rooms without Redis, for what decides about them: what scripts make of them, done here."""

from typing import Any

from control_plane.ids import Identity, Incarnation, LegId, NodeId, ParticipantId, ReplicaId, RoomId
from control_plane.rooms.domain import Ingest, Leg, Person, RoomState
from control_plane.rooms.placement.steps import Step

NODES = tuple(NodeId(f"n{number}") for number in range(1, 5))


def room(people: int = 2, node: NodeId = NODES[0]) -> RoomState:
    """People in their first epoch on one leg."""
    leg = Leg(id=LegId("l0"), node=node)
    state = RoomState(
        room=RoomId("demo"), incarnation=Incarnation("i"), version=1, created_at=0, fence=1, driver=ReplicaId("here"),
        people={}, tracks={}, legs={leg.id: leg}, chat=(),
    )  # fmt: skip
    for number in range(people):
        state = joined(state, f"p{number}")
    return state


def joined(state: RoomState, name: str, *, encoder: bool = False) -> RoomState:
    """As `join.lua` seats somebody."""
    home = state.home
    assert home is not None
    person = Person(
        id=ParticipantId(name), identity=Identity(name), name=name, replica=ReplicaId("here"), epoch=1, last_epoch=1,
        topology="sfu", leg=home.id, ingest=Ingest(resource="r", etag="e") if encoder else None,
    )  # fmt: skip
    return with_person(state, person)


def with_person(state: RoomState, person: Person) -> RoomState:
    return state.model_copy(update={"people": {**state.people, person.id: person}})


def changed(state: RoomState, name: str, **fields: Any) -> RoomState:
    return with_person(state, state.people[ParticipantId(name)].model_copy(update=fields))


def applied(state: RoomState, step: Step) -> RoomState:
    """The room after the step, as its script makes it of a room that did not change meanwhile."""
    people = dict(state.people) | {placing.after.id: placing.after for placing in step.people}
    legs = dict(state.legs) | {leg.id: leg for leg in step.legs}
    for leg in step.drop:
        legs.pop(leg, None)
    return state.model_copy(update={"people": people, "legs": legs, "move": step.move})
