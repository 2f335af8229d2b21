"""Which node a room is offered to, and why the others are not."""

from collections import Counter
from dataclasses import replace
from random import Random

from control_plane.ids import NodeId
from control_plane.nodes.models import Need, Node
from control_plane.nodes.selection import MOST_CANDIDATES, Rejection, choose
from media_adapters.models import Capability, NodeLoad

NOW = 1_000_000


def node(name: str, *, streams: int = 0, reserved: int = 0, region: str = "eu", seen: int = NOW - 500) -> Node:
    return Node(
        id=NodeId(name),
        url="ws://127.0.0.1:1",
        region=region,
        backend="janus",
        version="1",
        capabilities=frozenset({Capability.SIMULCAST}),
        capacity=100,
        load=NodeLoad(streams=streams),
        state="up",
        warnings=(),
        started_at=0,
        last_heartbeat=seen,
        reserved=reserved,
    )


def test_every_node_that_can_not_be_taken_has_its_reason() -> None:
    nodes = [
        node("good"),
        node("avoided"),
        node("silent", seen=NOW - 3000),
        replace(node("down"), state="sfu_down"),
        replace(node("unable"), capabilities=frozenset()),
        node("full", streams=60, reserved=31),
    ]
    need = Need(streams=10, capabilities=frozenset({Capability.SIMULCAST}), avoid=frozenset({NodeId("avoided")}))
    choice = choose(nodes, need, NOW, Random(1))
    assert choice.candidates == (NodeId("good"),)
    assert {str(name): reason for name, reason in choice.rejected.items()} == {
        "avoided": Rejection.AVOIDED,
        "silent": Rejection.SILENT,
        "down": Rejection.DOWN,
        "unable": Rejection.UNABLE,
        "full": Rejection.FULL,
    }


def test_a_node_is_used_to_its_last_stream() -> None:
    assert choose([node("a", streams=80, reserved=10)], Need(streams=10), NOW, Random(1)).candidates == ("a",)


def test_the_wanted_region_comes_first_and_the_others_stay_candidates() -> None:
    nodes = [node(f"us{index}", region="us") for index in range(5)] + [node("eu", streams=89)]
    choice = choose(nodes, Need(streams=1, region="eu"), NOW, Random(1))
    assert choice.candidates[0] == "eu"
    assert len(choice.candidates) == 6


def test_of_two_nodes_the_less_used_always_wins_counting_what_is_promised() -> None:
    nodes = [node("measured", streams=50), node("promised", streams=10, reserved=45)]
    firsts = {choose(nodes, Need(streams=1), NOW, Random(seed)).candidates[0] for seed in range(50)}
    assert firsts == {"measured"}


def test_replicas_that_choose_at_once_do_not_all_pick_the_emptiest_node() -> None:
    nodes = [node(f"n{index}", streams=index * 5) for index in range(10)]
    firsts = Counter(choose(nodes, Need(streams=1), NOW, Random(seed)).candidates[0] for seed in range(1000))
    assert max(firsts.values()) < 350
    assert firsts[NodeId("n9")] == 0  # the fullest never wins a pair


def test_no_more_candidates_are_named_than_a_reservation_tries() -> None:
    choice = choose([node(f"n{index}") for index in range(500)], Need(streams=1), NOW, Random(1))
    assert len(set(choice.candidates)) == MOST_CANDIDATES


def test_a_node_that_drains_is_not_taken_and_the_reason_is_told() -> None:
    draining = replace(node("n1"), draining=True)
    choice = choose([draining, node("n2")], Need(streams=1), NOW, Random(1))
    assert (choice.candidates, choice.rejected) == ((NodeId("n2"),), {NodeId("n1"): Rejection.DRAINING})
