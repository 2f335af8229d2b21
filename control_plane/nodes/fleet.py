"""The nodes that a replica knows, kept so that a few of many can be drawn without looking at all."""

from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random
from types import MappingProxyType

from control_plane.ids import NodeId
from control_plane.nodes.models import Node


class Fleet:
    """A change of what a node carries costs the same however many there are; drawing costs what is drawn."""

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._nodes: dict[NodeId, Node] = {}
        self._sizes: Counter[str] = Counter()
        self._drawn_from: dict[str | None, list[NodeId]] = {}
        for node in nodes:
            self.put(node)

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def nodes(self) -> Mapping[NodeId, Node]:
        return MappingProxyType(self._nodes)

    def has_region(self, region: str) -> bool:
        """Whether a node is there, in whatever state."""
        return self._sizes[region] > 0

    def put(self, node: Node) -> None:
        """Add the node, or what is new about it."""
        known = self._nodes.get(node.id)
        self._nodes[node.id] = node
        if known is None or known.region != node.region:
            if known is not None:
                self._sizes[known.region] -= 1
            self._sizes[node.region] += 1
            self._drawn_from.clear()

    def remove(self, node: NodeId) -> None:
        known = self._nodes.pop(node)
        self._sizes[known.region] -= 1
        self._drawn_from.clear()

    def sample(self, region: str | None, count: int, random: Random) -> list[Node]:
        """Up to `count` different nodes of the region; of all, when none was wanted or nobody is there."""
        names = self._names(region if region is not None and self.has_region(region) else None)
        if len(names) <= count:
            return [self._nodes[name] for name in names]
        return [self._nodes[name] for name in random.sample(names, count)]

    def _names(self, region: str | None) -> list[NodeId]:
        names = self._drawn_from.get(region)
        if names is None:
            names = [node.id for node in self._nodes.values() if region in {None, node.region}]
            self._drawn_from[region] = names
        return names
