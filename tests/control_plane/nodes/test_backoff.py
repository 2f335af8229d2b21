"""Nodes that fail are avoided for longer each time, and forgiven in the end."""

from control_plane.ids import NodeId
from control_plane.nodes.backoff import FIRST_S, FORGIVEN_S, LONGEST_S, Backoff
from tests.support.clock import MovableClock

N1, N2 = NodeId("n1"), NodeId("n2")


def waits(backoff: Backoff, clock: MovableClock) -> float:
    """Seconds for which N1 is avoided from now on."""
    began = clock.seconds
    while N1 in backoff.avoided():
        clock.forward(1)
    return clock.seconds - began


def test_each_failure_doubles_the_wait_up_to_a_bound() -> None:
    clock = MovableClock()
    backoff = Backoff(clock)
    pauses = []
    for _ in range(8):
        backoff.failed(N1)
        assert N2 not in backoff.avoided()
        pauses.append(waits(backoff, clock))
    assert pauses[:5] == [FIRST_S * 2**number for number in range(5)]
    assert pauses[5:] == [LONGEST_S] * 3


def test_failures_are_forgotten_one_by_one() -> None:
    clock = MovableClock()
    backoff = Backoff(clock)
    for _ in range(3):
        backoff.failed(N1)
    clock.forward(2 * FORGIVEN_S)
    backoff.failed(N1)
    assert waits(backoff, clock) == 2 * FIRST_S
    clock.forward(10 * FORGIVEN_S)
    assert not backoff.avoided()
    backoff.failed(N1)
    assert waits(backoff, clock) == FIRST_S
