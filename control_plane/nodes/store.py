"""Nodes and reservations in Redis, all in the one slot of `{nodes}`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from control_plane.ids import NodeId
from control_plane.nodes.models import Node
from control_plane.state import Arg, Redis, Script
from control_plane.state.keys import (
    NODE_METERS,
    NODE_REPORTS,
    NODE_RESERVED,
    node_reservation,
    node_reservations,
)
from media_adapters.wire import Heartbeat

RESERVATION_MS = 10_000
"""A reservation that nobody builds on lapses after this."""
SETTLING_MS = 2_000
"""A joiner's streams show in the measured load some time after they were reserved: negotiation comes between."""
_FORGOTTEN_MS = 24 * 3600 * 1000

_HEARTBEAT, _RESERVE, _RELEASE, _VIEW = (
    Script.load(__package__, name, prelude="common.lua")
    for name in ("heartbeat.lua", "reserve.lua", "release.lua", "view.lua")
)


@dataclass(frozen=True, slots=True)
class View:
    """Every node that reported within a day, as of `redis_ms`, Redis time."""

    redis_ms: int
    nodes: tuple[Node, ...]


class NodeStore:
    """Every call raises `Unavailable` when Redis is away. Every call may be repeated."""

    def __init__(self, redis: Redis, *, settling_ms: int = SETTLING_MS, reservation_ms: int = RESERVATION_MS) -> None:
        self._redis = redis
        self._settling_ms = settling_ms
        self._reservation_ms = reservation_ms

    async def record(self, report: Heartbeat) -> bool:
        """Make this the node's state. False when a heartbeat of the same or a higher sequence is known."""
        keys = [NODE_REPORTS, NODE_METERS, NODE_RESERVED, node_reservations(report.node)]
        load = [report.load.streams, report.capacity]
        args: list[Arg] = [report.node, report.sequence, *load, report.model_dump_json(), self._settling_ms]
        return bool(await self._redis.run(_HEARTBEAT, keys, args))

    async def view(self) -> View:
        redis_ms, *rows = await self._redis.run(_VIEW, [NODE_REPORTS, NODE_METERS, NODE_RESERVED], [_FORGOTTEN_MS])
        nodes = (
            Node.reported(Heartbeat.model_validate_json(report), last_heartbeat=received, reserved=reserved)
            for report, received, reserved in rows
        )
        return View(redis_ms, tuple(nodes))

    async def reserve(
        self, reservation: str, streams: int, candidates: Sequence[NodeId], void: Collection[NodeId] = ()
    ) -> NodeId | None:
        """Reserve on the first candidate with `streams` free; None when none has.

        A reservation of this name that exists is returned, whatever the candidates, unless it is on a node in `void`.
        """
        keys = [NODE_METERS, NODE_RESERVED, node_reservation(reservation), *map(node_reservations, candidates)]
        args: list[Arg] = [reservation, streams, self._reservation_ms, len(candidates), *candidates, *void]
        node: bytes | None = await self._redis.run(_RESERVE, keys, args)
        return None if node is None else NodeId(node.decode())

    async def release(self, reservation: str, node: NodeId) -> bool:
        """Give it back at once. False, and nothing happens, when it lapsed or is on another node."""
        keys = [node_reservation(reservation), NODE_RESERVED, node_reservations(node)]
        return bool(await self._redis.run(_RELEASE, keys, [reservation, node]))
