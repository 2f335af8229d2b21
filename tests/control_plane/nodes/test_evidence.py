"""When a node is given up, and when the observer is not believed."""

from collections.abc import Callable

import pytest

from control_plane.ids import NodeId
from control_plane.nodes.evidence import Cause, Evidence, RpcState

A = NodeId("a")


class SetClock:
    """Time that tests move."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


class Watch:
    """Evidence about nodes, looked at each second. A node lives with heartbeats and RPC until it is told otherwise."""

    def __init__(self, count: int) -> None:
        self.clock = SetClock()
        self.evidence = Evidence(self.clock)
        self.beating = {NodeId(name) for name in "abcdefghijklmnopqrstuvwxyz"[:count]}
        for node in self.beating:
            self.evidence.rpc_changed(node, RpcState.CONNECTED)
        self.passes(10)

    def passes(self, seconds: float) -> None:
        for _ in range(round(seconds * 2)):
            self.clock.seconds += 0.5
            for node in self.beating:
                self.evidence.heard(node, 0.1, sfu_up=True)
            self.evidence.look()

    def falls_silent(self, *nodes: NodeId) -> None:
        for node in nodes:
            self.beating.discard(node)
            self.evidence.rpc_changed(node, RpcState.AWAY)

    def revives(self, *nodes: NodeId) -> None:
        for node in nodes:
            self.beating.add(node)
            self.evidence.rpc_changed(node, RpcState.CONNECTED)

    @property
    def lost(self) -> dict[NodeId, Cause]:
        return dict(self.evidence.look().lost)


def test_a_refused_dial_loses_the_node_at_once_and_a_connection_brings_it_back() -> None:
    watch = Watch(1)
    watch.evidence.rpc_changed(A, RpcState.REFUSED)
    assert watch.lost == {A: Cause.REFUSED}
    watch.evidence.rpc_changed(A, RpcState.CONNECTED)
    assert watch.lost == {}


def test_a_reported_death_of_the_sfu_loses_the_node_at_once() -> None:
    watch = Watch(1)
    watch.evidence.sfu_died(A)
    assert watch.lost == {A: Cause.SFU_DIED}


def test_a_heartbeat_that_was_under_way_when_the_sfu_died_does_not_revive_it_but_later_ones_do() -> None:
    watch = Watch(1)
    watch.evidence.sfu_died(A)
    watch.passes(1)
    assert watch.lost == {A: Cause.SFU_DIED}
    watch.passes(1)
    assert watch.lost == {}


def test_a_heartbeat_that_says_the_sfu_is_down_loses_the_node() -> None:
    watch = Watch(1)
    watch.beating.clear()
    watch.clock.seconds += 0.5
    watch.evidence.heard(A, 0.1, sfu_up=False)
    assert watch.lost == {A: Cause.SFU_DIED}


def test_silence_on_both_paths_for_three_seconds_loses_the_node() -> None:
    watch = Watch(1)
    watch.falls_silent(A)
    watch.passes(2.5)
    assert watch.lost == {}
    watch.passes(0.5)
    assert watch.lost == {A: Cause.SILENT}


def test_time_without_an_answer_before_the_connection_was_given_up_counts() -> None:
    watch = Watch(1)
    watch.beating.clear()
    watch.passes(1.5)
    watch.evidence.rpc_changed(A, RpcState.AWAY, silent_for=1.5)
    watch.passes(1.5)
    assert watch.lost == {A: Cause.SILENT}


def test_either_path_alone_keeps_a_node() -> None:
    without_rpc, without_heartbeats = Watch(1), Watch(1)
    without_rpc.evidence.rpc_changed(A, RpcState.AWAY)
    without_heartbeats.beating.clear()
    for watch in (without_rpc, without_heartbeats):
        watch.passes(30)
        assert watch.lost == {}


def test_redis_away_and_five_seconds_after_are_no_evidence() -> None:
    watch = Watch(1)
    watch.evidence.redis_changed(up=False)
    watch.falls_silent(A)
    watch.passes(20)
    assert watch.lost == {}
    watch.evidence.redis_changed(up=True)
    assert not watch.evidence.silence_counts
    watch.passes(4.5)
    assert watch.lost == {}
    watch.passes(0.5)
    assert watch.lost == {A: Cause.SILENT}


def test_the_first_five_seconds_of_a_replica_are_no_evidence() -> None:
    clock = SetClock()
    evidence = Evidence(clock)
    evidence.heard(A, 10.0, sfu_up=True)
    for _ in range(4):
        clock.seconds += 1
        assert not evidence.look().lost
    clock.seconds += 1
    assert evidence.look().lost == {A: Cause.SILENT}


def test_a_replica_that_stalled_does_not_take_its_own_deafness_for_deaths() -> None:
    watch = Watch(1)
    watch.evidence.rpc_changed(A, RpcState.AWAY)
    watch.clock.seconds += 20
    assert watch.lost == {}
    watch.passes(10)
    assert watch.lost == {}


def silent(watch: Watch, nodes: list[NodeId]) -> None:
    watch.falls_silent(*nodes)
    watch.passes(3)


def refused(watch: Watch, nodes: list[NodeId]) -> None:
    for node in nodes:
        watch.evidence.rpc_changed(node, RpcState.REFUSED)


@pytest.mark.parametrize("disaster", [silent, refused])
def test_when_a_third_of_the_nodes_look_lost_at_once_nothing_moves(
    disaster: Callable[[Watch, list[NodeId]], None],
) -> None:
    watch = Watch(9)
    nodes = sorted(watch.beating)[:3]
    disaster(watch, nodes)
    verdict = watch.evidence.look()
    assert verdict.lost == {}
    assert verdict.held == set(nodes)
    watch.passes(60)
    assert watch.evidence.look().held == set(nodes)  # it does not wear off by waiting
    watch.revives(*nodes)
    assert watch.evidence.look().held == set()


@pytest.mark.parametrize(("known", "gone"), [(2, 2), (4, 2), (10, 3), (12, 3)])
def test_few_losses_or_a_small_share_are_believed(known: int, gone: int) -> None:
    watch = Watch(known)
    nodes = sorted(watch.beating)[:gone]
    silent(watch, nodes)
    assert set(watch.lost) == set(nodes)


def test_losses_far_apart_are_believed_however_many() -> None:
    watch = Watch(5)
    for count, node in enumerate(sorted(watch.beating), 1):
        watch.falls_silent(node)
        watch.passes(9)
        assert len(watch.lost) == count


def test_a_reported_death_is_believed_in_the_middle_of_an_alarm() -> None:
    watch = Watch(4)
    silent(watch, [NodeId("b"), NodeId("c"), NodeId("d")])
    watch.evidence.sfu_died(A)
    assert watch.lost == {A: Cause.SFU_DIED}


def test_nodes_that_were_gone_for_long_when_a_replica_starts_raise_no_alarm() -> None:
    clock = SetClock()
    evidence = Evidence(clock)
    for name in "abcde":
        evidence.heard(NodeId(name), 3600.0, sfu_up=True)
    for _ in range(8):
        clock.seconds += 1
        verdict = evidence.look()
    assert len(verdict.lost) == 5
    assert not verdict.held


def test_a_forgotten_node_is_neither_lost_nor_held() -> None:
    watch = Watch(3)
    silent(watch, sorted(watch.beating))
    for name in "abc":
        watch.evidence.forget(NodeId(name))
    verdict = watch.evidence.look()
    assert (dict(verdict.lost), verdict.held) == ({}, frozenset())
