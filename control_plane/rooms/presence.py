"""Which replicas are dead, so that the connections which they held are too. A decision without I/O.

A replica that is not among the living counts as dead once that has been so for 3 s without a break in our own sight:
Redis being away, and the first 5 s after, are evidence against nobody.
"""

from collections.abc import Set as AbstractSet

from control_plane.clock import Clock
from control_plane.ids import ReplicaId

MISSING_S = 3.0
GRACE_S = 5.0


class Presence:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._alive: AbstractSet[ReplicaId] = frozenset()
        self._missing_since: dict[ReplicaId, float] = {}
        self._blind_until = clock.monotonic() + GRACE_S

    def observe(self, alive: AbstractSet[ReplicaId] | None) -> None:
        """Who has proved itself lately; None when that could not be learned."""
        if alive is None:
            self._blind_until = self._clock.monotonic() + GRACE_S
            self._missing_since.clear()
            return
        self._alive = alive
        for replica in alive & self._missing_since.keys():
            del self._missing_since[replica]

    def is_dead(self, replica: ReplicaId) -> bool:
        """Asked again and again of each replica that is said to hold a connection."""
        now = self._clock.monotonic()
        if replica in self._alive or now < self._blind_until:
            return False
        return now - self._missing_since.setdefault(replica, now) >= MISSING_S
