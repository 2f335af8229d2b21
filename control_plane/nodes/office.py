"""What an operator may do with nodes, and what is known of them: decided in the database, told to every replica."""

from dataclasses import dataclass
from datetime import timedelta

from control_plane.errors import NotFound, Unavailable
from control_plane.ids import NodeId
from control_plane.nodes.models import Node
from control_plane.nodes.records import NodeRecord, NodeRecords, NodeState
from control_plane.nodes.selection import HEALTHY_MS
from control_plane.nodes.store import NodeStore, View
from control_plane.nodes.trust import announce
from control_plane.state import Redis
from media_adapters.wire.enrolment import EnrolmentToken


@dataclass(frozen=True, slots=True)
class NodeView:
    """`record` is None for a node that only the replicas' settings know, `node` for one that was not heard for a day.

    `state`: `pending`, `up`, `draining`, `silent`, `sfu_down`.
    """

    id: NodeId
    state: str
    region: str | None
    record: NodeRecord | None
    node: Node | None


class NodeOffice:
    """`everybody_knows`: whether every replica was told what was decided; else they find out within 5 s."""

    def __init__(self, records: NodeRecords, store: NodeStore, redis: Redis) -> None:
        self._records, self._store, self._redis = records, store, redis
        self.everybody_knows = True

    async def all(self) -> list[NodeView]:
        """By id, without those that were removed. Raises `Unavailable`."""
        records = {record.id: record for record in await self._records.all()}
        view = await self._store.view()
        nodes = {node.id: node for node in view.nodes}
        return [
            _view(view, name, records.get(name), nodes.get(name))
            for name in sorted(records.keys() | nodes.keys())
            if name not in records or records[name].state is not NodeState.REMOVED
        ]

    async def get(self, node: NodeId) -> NodeView:
        """Raises `NotFound`, `Unavailable`."""
        for view in await self.all():
            if view.id == node:
                return view
        raise NotFound(f"There is no node {node}.")

    async def invite(self, node: NodeId, region: str, ttl: timedelta) -> EnrolmentToken:
        """Raises `Conflict` when there is such a node, enrolled or trusted by settings; `Unavailable`."""
        return await self._records.invite(node, region, ttl)

    async def approve(self, node: NodeId) -> NodeRecord:
        """Raises `NotFound`, `Unavailable`."""
        return await self._told(await self._records.approve(node))

    async def drain(self, node: NodeId, *, draining: bool) -> NodeRecord:
        """Raises `NotFound`, `Unavailable`."""
        reported = {known.id for known in (await self._store.view()).nodes}
        return await self._told(await self._records.drain(node, draining=draining, static=node in reported))

    async def remove(self, node: NodeId) -> NodeRecord:
        """Raises `NotFound`, `Conflict` for a node that settings trust, `Unavailable`."""
        return await self._told(await self._records.remove(node))

    async def _told(self, record: NodeRecord) -> NodeRecord:
        try:
            await announce(self._redis)
        except Unavailable:
            self.everybody_knows = False
        return record


def _view(view: View, name: NodeId, record: NodeRecord | None, node: Node | None) -> NodeView:
    region = record.region if record is not None and record.region is not None else node.region if node else None
    return NodeView(name, _state(view, record, node), region, record, node)


def _state(view: View, record: NodeRecord | None, node: Node | None) -> str:
    if record is not None and record.state is NodeState.PENDING:
        return "pending"
    if node is None or view.redis_ms - node.last_heartbeat >= HEALTHY_MS:
        return "silent"
    if node.state != "up":
        return node.state
    return "draining" if record is not None and record.draining else "up"
