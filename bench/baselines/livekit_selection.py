"""LiveKit's published node selection, reimplemented as the baseline of `bench/selection.py`.

What it does for each new room: of the list of all nodes it keeps those that serve and reported within 5 s; of these
those under a limit of system load (or all, when none is); of these, with the region-aware kind, those of the region
nearest to one's own by great-circle distance. Of the rest one is taken at random, or the list is sorted by a measure of
load and its first is taken (`sort_by`).

It decides only: nothing is reserved, so that servers that decide at once know nothing of each other, and all joins
until the next report see the same load. Written in Go it is faster than this by a constant factor; that its cost grows
with the number of nodes is the algorithm's.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

AVAILABLE_S = 5.0
SYSLOAD_LIMIT = 0.9
_EARTH_KM = 6371.0


@dataclass(frozen=True, slots=True)
class ListedNode:
    id: str
    region: str
    serving: bool
    updated_at: float
    load: float


@dataclass(frozen=True, slots=True)
class Region:
    """Degrees."""

    name: str
    latitude: float
    longitude: float


class NodeSelector:
    def __init__(
        self, regions: Sequence[Region], mine: str, sort_by: Literal["load", "random"], random: Random
    ) -> None:
        here = next(region for region in regions if region.name == mine)
        self._distances: Mapping[str, float] = {region.name: _distance(here, region) for region in regions}
        self._sort_by = sort_by
        self._random = random

    def select(self, nodes: Iterable[ListedNode], now: float) -> str:
        """Raises `LookupError` when no node is there."""
        usable = self._nearest(_under_limit([node for node in nodes if _available(node, now)]))
        if not usable:
            raise LookupError("no node")
        if self._sort_by == "load":
            usable.sort(key=lambda node: node.load)
            return usable[0].id
        return self._random.choice(usable).id

    def _nearest(self, nodes: list[ListedNode]) -> list[ListedNode]:
        nearest: list[ListedNode] = []
        least = math.inf
        for node in nodes:
            distance = self._distances.get(node.region, math.inf)
            if distance < least:
                nearest, least = [], distance
            if distance == least:
                nearest.append(node)
        return nearest


def _under_limit(nodes: list[ListedNode]) -> list[ListedNode]:
    return [node for node in nodes if node.load < SYSLOAD_LIMIT] or nodes


def _available(node: ListedNode, now: float) -> bool:
    return node.serving and now - node.updated_at < AVAILABLE_S


def _distance(one: Region, other: Region) -> float:
    """Kilometres, by the haversine formula."""
    latitudes = math.radians(one.latitude), math.radians(other.latitude)
    half = math.sin((latitudes[1] - latitudes[0]) / 2) ** 2
    longitude = math.radians(other.longitude - one.longitude)
    half += math.cos(latitudes[0]) * math.cos(latitudes[1]) * math.sin(longitude / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(half))
