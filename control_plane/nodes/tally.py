"""How choosing nodes has gone since the replica began."""

from collections import Counter
from collections.abc import Iterable

from control_plane.ids import NodeId
from control_plane.nodes.selection import Rejection


class Tally:
    """`chosen` by node, `refused` when none could be had. `rejected` by reason: one for each node that was out of the
    question in a choice."""

    def __init__(self) -> None:
        self.chosen: Counter[NodeId] = Counter()
        self.refused = 0
        self.rejected: Counter[str] = Counter()

    def settled(self, rejections: Iterable[Rejection], node: NodeId | None) -> None:
        """A choice has led to `node`, or to none."""
        self.rejected.update(rejection.name.lower() for rejection in rejections)
        if node is None:
            self.refused += 1
        else:
            self.chosen[node] += 1
