"""When is a replica dead?"""

import pytest

from control_plane.ids import ReplicaId
from control_plane.rooms.presence import Presence

OTHER = ReplicaId("other")


class HandClock:
    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def seen_for(presence: Presence, clock: HandClock, seconds: int, alive: frozenset[ReplicaId]) -> list[bool]:
    """What is said of the other after each second."""
    verdicts = []
    for _ in range(seconds):
        clock.time += 1
        presence.observe(alive)
        verdicts.append(presence.is_dead(OTHER))
    return verdicts


def settled(clock: HandClock) -> Presence:
    presence = Presence(clock)
    seen_for(presence, clock, 10, frozenset({OTHER}))
    return presence


def test_a_replica_that_stays_missing_is_dead(clock: HandClock) -> None:
    assert seen_for(settled(clock), clock, 5, frozenset()) == [False, False, False, True, True]


def test_a_replica_that_comes_back_in_time_is_not(clock: HandClock) -> None:
    presence = settled(clock)
    seen_for(presence, clock, 2, frozenset())
    seen_for(presence, clock, 1, frozenset({OTHER}))
    assert not any(seen_for(presence, clock, 3, frozenset()))


def test_an_empty_redis_kills_nobody(clock: HandClock) -> None:
    presence = settled(clock)
    clock.time += 20
    presence.observe(None)
    assert not any(seen_for(presence, clock, 7, frozenset()))


def test_a_replica_that_was_never_seen_gets_time_to_prove_itself(clock: HandClock) -> None:
    presence = Presence(clock)
    verdicts = seen_for(presence, clock, 9, frozenset())
    assert verdicts.index(True) >= 7
