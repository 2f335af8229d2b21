"""Which node a room is offered to, and why the others are not."""

from collections import Counter
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from control_plane.ids import NodeId
from control_plane.nodes.fleet import Fleet
from control_plane.nodes.models import Need, Node
from control_plane.nodes.selection import FEW_NODES, HEALTHY_MS, MOST_CANDIDATES, SAMPLED_CANDIDATES, Rejection, choose
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
    choice = choose(Fleet(nodes), need, NOW, Random(1))
    assert choice.candidates == (NodeId("good"),)
    assert {str(name): reason for name, reason in choice.rejected.items()} == {
        "avoided": Rejection.AVOIDED,
        "silent": Rejection.SILENT,
        "down": Rejection.DOWN,
        "unable": Rejection.UNABLE,
        "full": Rejection.FULL,
    }


def test_a_node_is_used_to_its_last_stream() -> None:
    assert choose(Fleet([node("a", streams=80, reserved=10)]), Need(streams=10), NOW, Random(1)).candidates == ("a",)


def test_the_wanted_region_comes_first_and_the_others_stay_candidates() -> None:
    nodes = [node(f"us{index}", region="us") for index in range(5)] + [node("eu", streams=89)]
    choice = choose(Fleet(nodes), Need(streams=1, region="eu"), NOW, Random(1))
    assert choice.candidates[0] == "eu"
    assert len(choice.candidates) == 6


def test_of_two_nodes_the_less_used_always_wins_counting_what_is_promised() -> None:
    nodes = [node("measured", streams=50), node("promised", streams=10, reserved=45)]
    firsts = {choose(Fleet(nodes), Need(streams=1), NOW, Random(seed)).candidates[0] for seed in range(50)}
    assert firsts == {"measured"}


def test_replicas_that_choose_at_once_do_not_all_pick_the_emptiest_node() -> None:
    nodes = [node(f"n{index}", streams=index * 5) for index in range(10)]
    firsts = Counter(choose(Fleet(nodes), Need(streams=1), NOW, Random(seed)).candidates[0] for seed in range(1000))
    assert max(firsts.values()) < 350
    assert firsts[NodeId("n9")] == 0  # the fullest never wins a pair


def test_no_more_candidates_are_named_than_a_reservation_tries() -> None:
    choice = choose(Fleet([node(f"n{index}") for index in range(500)]), Need(streams=1), NOW, Random(1), thorough=True)
    assert len(set(choice.candidates)) == MOST_CANDIDATES


def test_a_node_that_drains_is_not_taken_and_the_reason_is_told() -> None:
    draining = replace(node("n1"), draining=True)
    choice = choose(Fleet([draining, node("n2")]), Need(streams=1), NOW, Random(1))
    assert (choice.candidates, choice.rejected) == ((NodeId("n2"),), {NodeId("n1"): Rejection.DRAINING})


def test_a_node_that_keeps_failing_is_taken_only_when_nobody_else_can_even_if_it_is_near() -> None:
    nodes = [node("flaky"), node("far", region="us")]
    flaky = frozenset({NodeId("flaky")})
    choice = choose(Fleet(nodes), Need(streams=1, region="eu"), NOW, Random(1), flaky)
    assert choice.candidates == ("far",)
    assert choice.rejected == {NodeId("flaky"): Rejection.FLAPPING}
    assert choose(Fleet(nodes[:1]), Need(streams=1), NOW, Random(1), flaky).candidates == ("flaky",)


def test_a_region_that_does_not_exist_is_any_region_and_is_told() -> None:
    choice = choose(Fleet([node("a"), node("b")]), Need(streams=1, region="mars"), NOW, Random(1))
    assert set(choice.candidates) == {"a", "b"}
    assert not choice.region_known
    assert choose(Fleet([node("a")]), Need(streams=1, region="eu"), NOW, Random(1)).region_known


def test_among_thousands_few_are_looked_at_and_a_usable_one_is_found_all_the_same() -> None:
    fleet = Fleet([node(f"n{index}", seen=0) for index in range(5000)])
    assert len(choose(fleet, Need(streams=1), NOW, Random(1)).rejected) == 5000
    fleet.put(node("n7"))
    assert choose(fleet, Need(streams=1), NOW, Random(1)).candidates == ("n7",)
    fleet = Fleet([node(f"n{index}") for index in range(5000)])
    assert len(choose(fleet, Need(streams=1), NOW, Random(1)).candidates) == SAMPLED_CANDIDATES


some_nodes = st.lists(
    st.builds(
        node,
        st.sampled_from([f"n{index}" for index in range(100)]),
        streams=st.integers(0, 110),
        reserved=st.integers(0, 20),
        region=st.sampled_from(["eu", "us", "asia"]),
        seen=st.integers(NOW - 4000, NOW),
    ),
    unique_by=lambda each: each.id,
    max_size=100,
)
needs = st.builds(
    Need,
    streams=st.integers(0, 50),
    capabilities=st.sets(st.sampled_from(Capability), max_size=1).map(frozenset),
    region=st.sampled_from(["eu", "us", "mars", None]),
    avoid=st.sets(st.sampled_from([NodeId("n1"), NodeId("n2")])).map(frozenset),
)
flapping_ones = st.sets(st.sampled_from([NodeId(f"n{index}") for index in range(100)])).map(frozenset)


@given(some_nodes, needs, flapping_ones, st.randoms(use_true_random=False), st.booleans())
def test_whatever_is_chosen_can_take_it_and_whatever_can_take_it_is_found(
    nodes: list[Node], need: Need, flapping: frozenset[NodeId], random: Random, thorough: bool
) -> None:
    fleet = Fleet(nodes)
    choice = choose(fleet, need, NOW, random, flapping, thorough=thorough)
    able = {each.id for each in nodes if fit(each, need)}
    assert set(choice.candidates) <= able
    assert len(set(choice.candidates)) == len(choice.candidates) <= MOST_CANDIDATES
    assert not choice.rejected.keys() & set(choice.candidates)
    assert bool(choice.candidates) == bool(able)
    if thorough or len(nodes) <= FEW_NODES:
        steady = able - flapping or able
        assert choice.rejected.keys() == {each.id for each in nodes} - steady
    near = [fleet.nodes[name].region == need.region for name in choice.candidates]
    if need.region is not None and not flapping:
        assert near == sorted(near, reverse=True)
    if able - flapping:
        assert not flapping & set(choice.candidates)


def fit(each: Node, need: Need) -> bool:
    """What "can take it" means, said once more and in other words."""
    heard = NOW - each.last_heartbeat < HEALTHY_MS
    room = each.load.streams + each.reserved + need.streams <= each.capacity
    return heard and room and need.capabilities <= each.capabilities and each.id not in need.avoid
