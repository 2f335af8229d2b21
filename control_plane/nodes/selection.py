"""Which nodes could take a room, best first. A decision without I/O; `reserve.lua` has the last word on capacity."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from control_plane.ids import NodeId
from control_plane.nodes.models import Need, Node

HEALTHY_MS = 3_000
"""A node whose last heartbeat is older takes no new work."""
MOST_CANDIDATES = 16


class Rejection(StrEnum):
    """Why a node can't be taken; the values end the sentence "1 node …"."""

    AVOIDED = "just failed"
    DRAINING = "draining"
    SILENT = "silent"
    DOWN = "without its media server"
    UNABLE = "not able to do what the room needs"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Choice:
    """`candidates` in the order to try, at most `MOST_CANDIDATES`; every node that can't be taken is in `rejected`."""

    candidates: tuple[NodeId, ...]
    rejected: dict[NodeId, Rejection]


def choose(nodes: Iterable[Node], need: Need, now_ms: float, random: Random) -> Choice:
    """Nodes of the wanted region come first; among equals two random ones are compared and the less used wins.

    `now_ms` is Redis time, as `Node.last_heartbeat` is.
    """
    rejected: dict[NodeId, Rejection] = {}
    near: list[Node] = []
    far: list[Node] = []
    for node in nodes:
        rejection = _rejection(node, need, now_ms)
        if rejection is not None:
            rejected[node.id] = rejection
        else:
            (near if node.region == need.region else far).append(node)
    ordered = _two_choices(near, MOST_CANDIDATES, random)
    ordered += _two_choices(far, MOST_CANDIDATES - len(ordered), random)
    return Choice(tuple(node.id for node in ordered), rejected)


def _rejection(node: Node, need: Need, now_ms: float) -> Rejection | None:
    if node.draining or node.id in need.avoid:
        return Rejection.DRAINING if node.draining else Rejection.AVOIDED
    if now_ms - node.last_heartbeat >= HEALTHY_MS:
        return Rejection.SILENT
    if node.state != "up":
        return Rejection.DOWN
    if not need.capabilities <= node.capabilities:
        return Rejection.UNABLE
    if node.free < need.streams:
        return Rejection.FULL
    return None


def _two_choices(nodes: list[Node], count: int, random: Random) -> list[Node]:
    """Draw pairs and take the better of each. Taking the best of all would send every replica to the same node."""
    rest = list(nodes)
    ordered: list[Node] = []
    while rest and len(ordered) < count:
        pair = random.sample(range(len(rest)), min(2, len(rest)))
        winner = min(pair, key=lambda index: rest[index].usage)
        ordered.append(rest[winner])
        rest[winner] = rest[-1]
        rest.pop()
    return ordered
