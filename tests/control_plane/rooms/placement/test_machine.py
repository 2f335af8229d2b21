"""A room's moves, without I/O: one decision after the other."""

from typing import Any

from control_plane.ids import LegId, NodeId, ParticipantId
from control_plane.rooms.domain import Leg, Move, RoomState
from control_plane.rooms.placement.machine import (
    DEADLINE_MS,
    STRAGGLERS_MS,
    Commit,
    Decision,
    Find,
    Look,
    decide,
    found,
    not_found,
)
from control_plane.rooms.placement.steps import Step
from tests.control_plane.rooms.placement.rooms import NODES, applied, changed, joined, room


def wished(state: RoomState, **fields: Any) -> RoomState:
    return state.model_copy(update={"move": Move(id="m1", **fields)})


def begun(state: RoomState, node: NodeId = NODES[1], leg: str = "l1", now: int = 1000) -> RoomState:
    """The wished move has begun to this node."""
    assert isinstance(decide(state, (), now), Find)
    return applied(state, found(state, Leg(id=LegId(leg), node=node), (), now))


def stands(state: RoomState, name: str) -> list[tuple[int, str]]:
    return [(stand.epoch, stand.leg) for stand in state.people[ParticipantId(name)].stands]


def committed(decision: Decision | None, why: str) -> Step:
    assert isinstance(decision, Commit)
    assert decision.why == why
    return decision.step


def test_who_moves_is_in_both_places_until_everybody_is_ready() -> None:
    state = begun(wished(room(), node=NODES[1]))
    assert stands(state, "p0") == stands(state, "p1") == [(2, "l1"), (1, "l0")]
    state = changed(state, "p0", ready=True)
    assert decide(state, (), 2000) is None
    state = changed(state, "p1", ready=True)
    state = applied(state, committed(decide(state, (), 2000), "over"))
    assert stands(state, "p0") == stands(state, "p1") == [(2, "l1")]
    assert list(state.legs) == ["l1"]
    assert not state.moving


def test_who_has_come_up_is_not_waited_for_after_the_deadline() -> None:
    state = begun(wished(room(), node=NODES[1]))
    late = 1000 + DEADLINE_MS
    assert decide(state, (), late - 1) is None
    assert isinstance(decide(state, (), late), Look)
    step = committed(decide(state, (), late, {ParticipantId("p0"), ParticipantId("p1")}), "over")
    assert stands(applied(state, step), "p1") == [(2, "l1")]


def test_who_can_t_follow_keeps_the_old_place_and_everybody_s_pictures_for_a_while() -> None:
    state = changed(begun(wished(room(3), node=NODES[1])), "p0", ready=True)
    arrived = {ParticipantId("p0"), ParticipantId("p1")}
    assert decide(state, (), 1000 + DEADLINE_MS, arrived) is None
    assert stands(state, "p2") == [(2, "l1"), (1, "l0")]
    step = committed(decide(state, (), 1000 + STRAGGLERS_MS), "over")
    assert stands(applied(state, step), "p2") == [(2, "l1")]


def test_a_target_at_which_nobody_arrives_is_given_up_and_the_call_stays() -> None:
    state = begun(wished(room(), node=NODES[1]))
    state = applied(state, committed(decide(state, (), 1000 + DEADLINE_MS, ()), "gone_back"))
    assert stands(state, "p0") == stands(state, "p1") == [(1, "l0")]
    assert [leg.node for leg in state.legs.values()] == [NODES[0]]
    assert not state.moving
    state = begun(wished(state, node=NODES[2]), NODES[2], "l2")
    assert stands(state, "p0") == [(3, "l2"), (1, "l0")]  # an epoch is given once


def test_another_target_is_tried_when_any_will_do() -> None:
    state = begun(wished(room(), avoid=(NODES[0],)))
    decision = decide(state, (), 1000 + DEADLINE_MS, ())
    assert isinstance(decision, Find)
    assert {NODES[0], NODES[1]} <= decision.avoid
    state = applied(state, found(state, Leg(id=LegId("l2"), node=NODES[2]), (), 7000))
    assert stands(state, "p0") == [(3, "l2"), (1, "l0")]
    assert set(state.legs) == {"l0", "l2"}


def test_a_target_that_dies_leaves_the_call_where_it_was() -> None:
    state = begun(wished(room(), node=NODES[1]))
    step = committed(decide(state, {NODES[1]}, 2000), "gone_back")
    state = applied(state, step)
    assert stands(state, "p0") == [(1, "l0")]
    assert set(state.legs) == {"l0"}


def test_a_source_that_dies_has_nothing_to_keep() -> None:
    state = begun(wished(room(), node=NODES[1]))
    state = applied(state, committed(decide(state, {NODES[0]}, 2000), "late"))
    assert stands(state, "p0") == [(2, "l1")]
    assert set(state.legs) == {"l1"}


def test_a_dead_node_s_people_go_elsewhere_with_nothing_to_keep() -> None:
    state = room()
    assert isinstance(decide(state, {NODES[0]}, 2000), Find)
    state = applied(state, found(state, Leg(id=LegId("l1"), node=NODES[1]), {NODES[0]}, 2000))
    assert stands(state, "p0") == [(2, "l1")]
    assert set(state.legs) == {"l1"}
    assert decide(state, {NODES[0]}, 2000) is None


def test_a_newer_wish_replaces_a_move_at_whose_target_nobody_has_arrived() -> None:
    state = wished(begun(wished(room(), node=NODES[1])), node=NODES[2])
    state = begun(state, NODES[2], "l2", 2000)
    assert stands(state, "p0") == [(3, "l2"), (1, "l0")]
    assert set(state.legs) == {"l0", "l2"}


def test_a_newer_wish_waits_for_a_move_in_which_somebody_has_arrived() -> None:
    state = changed(begun(wished(room(), node=NODES[1])), "p0", ready=True)
    state = wished(state, node=NODES[2])
    assert decide(state, (), 2000) is None
    state = changed(state, "p1", ready=True)
    state = applied(state, committed(decide(state, (), 2000), "over"))
    assert isinstance(decide(state, (), 2000), Find)


def test_who_joins_during_a_move_is_at_the_target_only() -> None:
    state = joined(begun(wished(room(), node=NODES[1])), "p9")
    assert stands(state, "p9") == [(1, "l1")]


def test_an_encoder_is_never_in_two_places() -> None:
    state = begun(wished(joined(room(), "obs", encoder=True), node=NODES[1]))
    assert stands(state, "obs") == [(2, "l1")]


def test_a_wish_for_where_the_room_is_is_fulfilled() -> None:
    state = wished(room(), node=NODES[0])
    assert applied(state, committed(decide(state, (), 0), "there_already")).move is None


def test_a_wish_that_no_node_can_fulfil_is_dropped() -> None:
    state = wished(room(), backend="unknown")
    step = not_found(state, (), 0)
    assert step is not None
    assert applied(state, step) == room()
