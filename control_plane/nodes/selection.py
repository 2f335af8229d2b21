"""Which nodes could take a room, best first. A decision without I/O; `reserve.lua` has the last word on capacity."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from control_plane.ids import NodeId
from control_plane.nodes.fleet import Fleet
from control_plane.nodes.models import Need, Node

HEALTHY_MS = 3_000
"""A node whose last heartbeat is older takes no new work."""
MOST_CANDIDATES = 8
FEW_NODES = 64
"""Of so many each is looked at; of more, only a sample, so that a choice costs the same however many there are."""
SAMPLED, SAMPLED_CANDIDATES = 8, 4


class Rejection(StrEnum):
    """Why a node can't be taken; the values end the sentence "1 node …"."""

    UNWANTED = "other than was asked for"
    AVOIDED = "just failed or to be left"
    DRAINING = "draining"
    SILENT = "silent"
    DOWN = "without its media server"
    UNABLE = "not able to do what the room needs"
    FULL = "full"
    BUSY = "with all the joins that it takes in a second"
    FLAPPING = "failing again and again"


@dataclass(frozen=True, slots=True)
class Choice:
    """`candidates` in the order to try, at most `MOST_CANDIDATES`. Of the nodes that were looked at, `rejected` are
    all that can't be taken. `region_known`: some node is in the wanted region, or none was wanted."""

    candidates: tuple[NodeId, ...]
    rejected: dict[NodeId, Rejection]
    region_known: bool = True


def choose(
    fleet: Fleet,
    need: Need,
    now_ms: float,
    random: Random,
    flapping: Collection[NodeId] = (),
    *,
    thorough: bool = False,
) -> Choice:
    """Nodes of the wanted region come first; among equals two random ones are compared and the less used wins.

    Nodes in `flapping` are there for when nobody else can take it. `thorough`: look at every node. `now_ms` is Redis
    time, as `Node.last_heartbeat` is.
    """
    known = need.region is None or fleet.has_region(need.region)
    if not thorough and len(fleet) > FEW_NODES:
        sample = fleet.sample(need.region, SAMPLED, random)
        candidates, rejected = _among(sample, need, now_ms, random, flapping)
        if any(node not in flapping for node in candidates):
            return Choice(candidates[:SAMPLED_CANDIDATES], rejected, known)
    return Choice(*_among(fleet.nodes.values(), need, now_ms, random, flapping), known)


def _among(
    nodes: Iterable[Node], need: Need, now_ms: float, random: Random, flapping: Collection[NodeId]
) -> tuple[tuple[NodeId, ...], dict[NodeId, Rejection]]:
    rejected: dict[NodeId, Rejection] = {}
    near: list[Node] = []
    far: list[Node] = []
    unsteady: list[Node] = []
    for node in nodes:
        rejection = _rejection(node, need, now_ms)
        if rejection is not None:
            rejected[node.id] = rejection
        elif node.id in flapping:
            unsteady.append(node)
        else:
            (near if need.region in {None, node.region} else far).append(node)
    if near or far:
        rejected |= dict.fromkeys((node.id for node in unsteady), Rejection.FLAPPING)
    else:
        near = unsteady
    ordered = _two_choices(near, MOST_CANDIDATES, random)
    ordered += _two_choices(far, MOST_CANDIDATES - len(ordered), random)
    return tuple(node.id for node in ordered), rejected


def _rejection(node: Node, need: Need, now_ms: float) -> Rejection | None:
    if not _asked_for(node, need):
        return Rejection.UNWANTED
    if node.draining or node.id in need.avoid:
        return Rejection.DRAINING if node.draining else Rejection.AVOIDED
    if now_ms - node.last_heartbeat >= HEALTHY_MS:
        return Rejection.SILENT
    if node.state != "up":
        return Rejection.DOWN
    if not need.capabilities <= node.capabilities:
        return Rejection.UNABLE
    return Rejection.FULL if node.free < need.streams else None


def _asked_for(node: Node, need: Need) -> bool:
    return need.node in {None, node.id} and need.backend in {None, node.backend}


def _two_choices(nodes: list[Node], count: int, random: Random) -> list[Node]:
    """Draw pairs and take the better of each. Taking the best of all would send every replica to the same node."""
    rest = list(nodes)
    ordered: list[Node] = []
    while rest and len(ordered) < count:
        one = int(random.random() * len(rest))
        other = int(random.random() * (len(rest) - 1)) if len(rest) > 1 else one
        other += len(rest) > 1 and other >= one
        winner = one if rest[one].usage <= rest[other].usage else other
        ordered.append(rest[winner])
        rest[winner] = rest[-1]
        rest.pop()
    return ordered
