"""Two agents with one key, found by their heartbeats. No I/O.

An agent that is started again is another run, with a later `started_at`, and the run before is never heard again. When
one *is* heard again, both live. Then the run that was started last is believed, and the other refused for as long as
the last one is heard: the same outcome on every replica, and a restart needs nobody's help.
"""

from dataclasses import dataclass, field
from typing import Final

from control_plane.ids import NodeId

ALIVE_S: Final = 10.0
"""A run that was not heard for as long has ended."""


@dataclass(slots=True)
class _Runs:
    current: int
    heard: dict[int, float] = field(default_factory=dict)


class Duplicates:
    """`now` in seconds of a clock that only grows."""

    def __init__(self) -> None:
        self._nodes: dict[NodeId, _Runs] = {}

    def believes(self, node: NodeId, started_at: int, now: float) -> bool:
        """Whether this run of the agent speaks for the node. Asked for each of its heartbeats."""
        runs = self._nodes.setdefault(node, _Runs(started_at))
        returned = started_at != runs.current and started_at in runs.heard
        runs.heard = {run: at for run, at in runs.heard.items() if now - at < ALIVE_S} | {started_at: now}
        runs.current = max(runs.heard) if returned else started_at
        return started_at == runs.current
