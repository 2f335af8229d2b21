"""Nodes and reservations in Redis, all in the one slot of `{nodes}`."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from control_plane.ids import Incarnation, NodeId, RoomId
from control_plane.nodes.models import Node
from control_plane.nodes.selection import Rejection
from control_plane.state import Arg, Redis, Script
from control_plane.state.keys import (
    NODE_CHANGED,
    NODE_METERS,
    NODE_REPORTS,
    NODE_RESERVED,
    node_place,
    node_reservation,
    node_reservations,
)
from media_adapters.wire import Heartbeat

RESERVATION_MS = 10_000
"""A reservation that nobody builds on lapses after this."""
SETTLING_MS = 2_000
"""A joiner's streams show in the measured load some time after they were reserved: negotiation comes between."""
_FORGOTTEN_MS = 24 * 3600 * 1000
_READ_AT_ONCE = 50
"""Reports that are read without letting others have a turn: about a millisecond."""
_REFUSALS = {b"silent": Rejection.SILENT, b"busy": Rejection.BUSY, b"full": Rejection.FULL}

_HEARTBEAT, _RESERVE, _RELEASE, _VIEW = (
    Script.load(__package__, name, prelude="common.lua")
    for name in ("heartbeat.lua", "reserve.lua", "release.lua", "view.lua")
)


@dataclass(frozen=True, slots=True)
class View:
    """What changed since the moment that was asked for, as of `redis_ms`, Redis time: `nodes` that reported, and what
    is `reserved` on others. `count` is how many nodes there are."""

    redis_ms: int
    count: int
    nodes: tuple[Node, ...]
    reserved: dict[NodeId, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who reserves what for. All who claim the same `purpose` of a room's life are to be on one node; each, by `who`
    (empty for the room itself), holds streams of its own there."""

    room: RoomId
    incarnation: Incarnation
    purpose: str
    who: str = ""

    @property
    def place(self) -> str:
        return f"{self.incarnation}:{self.purpose}:{self.room}"

    @property
    def reservation(self) -> str:
        return f"{self.place}:{self.who}"


@dataclass(frozen=True, slots=True)
class Reserved:
    """Where; None when no candidate could be taken. `refused` are those that were tried in vain."""

    node: NodeId | None
    refused: dict[NodeId, Rejection] = field(default_factory=dict)


class NodeStore:
    """Every call raises `Unavailable` when Redis is away. Every call may be repeated."""

    def __init__(self, redis: Redis, *, settling_ms: int = SETTLING_MS, reservation_ms: int = RESERVATION_MS) -> None:
        self._redis = redis
        self._settling_ms = settling_ms
        self._reservation_ms = reservation_ms

    async def record(self, report: Heartbeat) -> bool:
        """Make this the node's state. False when a heartbeat of the same or a higher sequence is known."""
        keys = [NODE_REPORTS, NODE_METERS, NODE_RESERVED, node_reservations(report.node), NODE_CHANGED]
        load = [report.load.streams, report.capacity]
        args: list[Arg] = [report.node, report.sequence, *load, report.model_dump_json(), self._settling_ms]
        return bool(await self._redis.run(_HEARTBEAT, keys, args))

    async def view(self, since_ms: int = 0) -> View:
        """What changed since `since_ms`, Redis time. A node that was silent for a day is not there."""
        keys = [NODE_REPORTS, NODE_METERS, NODE_RESERVED, NODE_CHANGED]
        redis_ms, count, *rows = await self._redis.run(_VIEW, keys, [since_ms, _FORGOTTEN_MS])
        nodes: list[Node] = []
        reserved: dict[NodeId, int] = {}
        for index, row in enumerate(rows, start=1):
            match row:
                case [report, streams, received]:
                    nodes.append(_node(report, streams, received))
                case [node, streams]:
                    reserved[NodeId(node.decode())] = streams
            if index % _READ_AT_ONCE == 0:
                await asyncio.sleep(0)
        return View(redis_ms, count, tuple(nodes), reserved)

    async def reserve(
        self,
        claim: Claim,
        streams: int,
        candidates: Sequence[NodeId],
        void: Collection[NodeId] = (),
        most_per_s: int = 0,
    ) -> Reserved:
        """Reserve on the first candidate with `streams` free that took fewer than `most_per_s` reservations in the last
        second (0: as many as come).

        A claim that holds already is returned, and a place that others have settled is kept, whatever the candidates
        and the rate, unless that is on a node in `void`.
        """
        keys = [NODE_METERS, NODE_RESERVED, NODE_CHANGED, node_reservation(claim.reservation), node_place(claim.place)]
        keys += map(node_reservations, candidates)
        terms: list[Arg] = [claim.reservation, streams, self._reservation_ms, most_per_s, len(candidates)]
        reply: list[bytes] = await self._redis.run(_RESERVE, keys, [*terms, *candidates, *void])
        if reply[1:] == [b"settled"]:
            return await self.reserve(claim, streams, [NodeId(reply[0].decode())], void, most_per_s)
        refused = dict(zip(candidates, (_REFUSALS[why] for why in reply[1:]), strict=False))
        return Reserved(NodeId(reply[0].decode()) if reply[0] else None, refused)

    async def release(self, claim: Claim, node: NodeId) -> bool:
        """Give it back at once. False, and nothing happens, when it lapsed or is on another node."""
        keys = [node_reservation(claim.reservation), NODE_RESERVED, node_reservations(node), NODE_CHANGED]
        return bool(await self._redis.run(_RELEASE, keys, [claim.reservation, node]))


def _node(report: bytes, reserved: int, received: int) -> Node:
    return Node.reported(Heartbeat.model_validate_json(report), last_heartbeat=received, reserved=reserved)
