"""Which nodes fail again and again. Pure bookkeeping of one replica: what it sees counts, for it alone."""

from control_plane.clock import Clock
from control_plane.ids import NodeId

FIRST_S = 10.0
LONGEST_S = 300.0
FORGIVEN_S = 300.0
"""After this long without a failure one of them is forgotten."""


class Backoff:
    """A node that was lost is avoided for 10 s, and for twice as long with each further time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[NodeId, tuple[int, float]] = {}

    def failed(self, node: NodeId) -> None:
        """The node was lost once more."""
        now = self._clock.monotonic()
        self._failures[node] = (self._remembered(node, now) + 1, now)

    def avoided(self) -> frozenset[NodeId]:
        """Nodes that wait for their next chance."""
        now = self._clock.monotonic()
        for node in [each for each in self._failures if not self._remembered(each, now)]:
            del self._failures[node]
        failures = self._failures.items()
        return frozenset(node for node, (count, at) in failures if now - at < _pause(count))

    def _remembered(self, node: NodeId, now: float) -> int:
        count, at = self._failures.get(node, (0, now))
        return max(0, count - int((now - at) / FORGIVEN_S))


def _pause(failures: int) -> float:
    return float(min(FIRST_S * 2 ** (failures - 1), LONGEST_S))
