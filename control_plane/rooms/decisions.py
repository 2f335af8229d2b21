"""Why a room is where it is: the latest decisions about it, kept for a while in the room's own slot."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal, Self

from control_plane.ids import NodeId, RoomId
from control_plane.nodes.registry import Outcome
from control_plane.nodes.selection import Rejection
from control_plane.rooms.domain import Record
from control_plane.state import Redis, Script
from control_plane.state.keys import room_key
from media_adapters.models import Capability

KEPT = 10
KEPT_MS = 3_600_000
NAMED = 20
"""Of thousands of nodes that can't be taken for one reason so many are named."""

_DECISION = Script.load("control_plane.rooms", "lua/decision.lua")

Purpose = Literal["first", "join", "move"]


class RejectedNodes(Record):
    """How many nodes could not be taken for this reason, and which; of many, some."""

    reason: Rejection
    count: int
    nodes: tuple[NodeId, ...]


class Decision(Record):
    """`purpose`: the room's first node, somebody's join to the node where it is, or its move to another, also
    from one that was lost. `node` is None when nobody could take it. `streams` were wanted, in a `region` if one was
    asked for; `region_known` says whether any node is there. `candidates` were tried in this order. `at` in ms since
    the epoch.
    """

    at: int
    purpose: Purpose
    node: NodeId | None
    streams: int
    region: str | None
    region_known: bool
    capabilities: tuple[Capability, ...]
    candidates: tuple[NodeId, ...]
    rejected: tuple[RejectedNodes, ...]

    @classmethod
    def of(cls, outcome: Outcome, purpose: Purpose, at: int) -> Self:
        need, choice = outcome.need, outcome.choice
        return cls(
            at=at,
            purpose=purpose,
            node=outcome.node,
            streams=need.streams,
            region=need.region,
            region_known=choice.region_known,
            capabilities=tuple(sorted(need.capabilities)),
            candidates=choice.candidates,
            rejected=_by_reason(outcome.rejected),
        )


class DecisionLog:
    """Every method raises `Unavailable` when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def record(self, room: RoomId, decision: Decision) -> None:
        await self._redis.run(_DECISION, [_key(room)], [decision.model_dump_json(), KEPT, KEPT_MS])

    async def of(self, room: RoomId) -> list[Decision]:
        """The latest first."""
        rows: list[bytes] = await self._redis.execute("LRANGE", _key(room), 0, -1)
        return [Decision.model_validate_json(row) for row in rows]


def _key(room: RoomId) -> str:
    return room_key(room, "decisions")


def _by_reason(rejected: Mapping[NodeId, Rejection]) -> tuple[RejectedNodes, ...]:
    nodes: defaultdict[Rejection, list[NodeId]] = defaultdict(list)
    for node, reason in rejected.items():
        nodes[reason].append(node)
    return tuple(
        RejectedNodes(reason=reason, count=len(names), nodes=tuple(sorted(names)[:NAMED]))
        for reason, names in nodes.items()
    )
