"""This replica's connections to media nodes: made when first needed, kept, and made anew when a node moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Self

import structlog

from control_plane.ids import NodeId, ReplicaId
from control_plane.nodes.identity import ControlKey
from control_plane.nodes.registry import NodeRegistry
from control_plane.nodes.rpc import Lost, NodeClient
from media_adapters.errors import NodeGone
from media_adapters.events import MediaEvent, SfuDied
from media_adapters.models import NodeDescription, PeerRef, PeerStatus, RoomRef, RoomSpec
from media_adapters.wire import RemoteNode

log = structlog.get_logger()

FIRST_CONNECTION_S = 2.0


class _Way:
    """A client, and whether its first attempt to connect is over."""

    def __init__(self, client: NodeClient) -> None:
        self.client = client
        self.tried = asyncio.Event()


class NodePool:
    """`on_event` and `on_connected` are called for every node; the registry hears of every way gained or lost."""

    def __init__(
        self,
        *,
        replica: ReplicaId,
        control_key: ControlKey,
        trusted: Mapping[NodeId, str],
        registry: NodeRegistry,
    ) -> None:
        self._replica = replica
        self._control_key = control_key
        self._trusted = trusted
        self._registry = registry
        self._ways: dict[NodeId, _Way] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self.on_event: Callable[[NodeId, MediaEvent], None] = lambda _node, _event: None
        self.on_connected: Callable[[NodeId], None] = lambda _: None

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, replica: ReplicaId, control_key: ControlKey, trusted: Mapping[NodeId, str], registry: NodeRegistry
    ) -> AsyncIterator[Self]:
        pool = cls(replica=replica, control_key=control_key, trusted=trusted, registry=registry)
        try:
            yield pool
        finally:
            for node in tuple(pool._ways):
                pool._retire(node)
            await asyncio.gather(*pool._retiring)

    async def acting(self, node: NodeId, *, generation: int) -> RemoteNode:
        """The node, commanded with a connection's generation. Raises `NodeGone` while there is no way to it."""
        return (await self._reach(node)).acting(generation=generation)

    async def keep(self, node: NodeId, rooms: Sequence[tuple[RoomRef, int]]) -> None:
        """Renew the leases of rooms, each with its fence."""
        result = await (await self._reach(node)).keep(rooms)
        if result.superseded:
            log.warning("rooms_kept_by_another_driver", node=node, rooms=[ref.room for ref in result.superseded])

    async def sync(self, node: NodeId, room: RoomRef, peers: Sequence[PeerRef], fence: int) -> Sequence[PeerStatus]:
        """Close every peer that is not listed; returns those that are there."""
        return (await (await self._reach(node)).acting(fence=fence).sync(room, peers)).peers

    async def open_room(self, node: NodeId, room: RoomRef, fence: int) -> None:
        await (await self._reach(node)).acting(fence=fence).open_room(room, RoomSpec())

    async def close_room(self, node: NodeId, room: RoomRef, fence: int) -> None:
        await (await self._reach(node)).acting(fence=fence).close_room(room)

    async def close_peer(self, node: NodeId, peer: PeerRef, fence: int) -> None:
        await (await self._reach(node)).acting(fence=fence).close_peer(peer)

    def reached(self) -> dict[NodeId, bool]:
        """Whether the connection is up, of each node that was dialled."""
        return {node: way.client.connected for node, way in self._ways.items()}

    def hang_up_on_strangers(self) -> None:
        """Whom we trust has changed: keep no connection to a node that is not trusted, or not with this key."""
        for node, way in tuple(self._ways.items()):
            if self._trusted.get(node) != way.client.node_key:
                self._retire(node)

    def is_lost(self, node: NodeId) -> bool:
        """Whether the node is dead, not merely slow to answer us."""
        return self._registry.is_lost(node)

    async def _reach(self, node: NodeId) -> NodeClient:
        way = self._ways.get(node)
        known = self._registry.nodes.get(node)
        if way is None or (known is not None and known.url != way.client.url):
            way = await self._dial(node)
        elif known is not None:
            way.client.certificate = known.certificate  # a renewed one, for the next time that it is dialled
        if not way.tried.is_set():
            try:
                async with asyncio.timeout(FIRST_CONNECTION_S):
                    await way.tried.wait()
            except TimeoutError as error:
                raise NodeGone(f"Node {node} did not answer.") from error
        return way.client

    async def _dial(self, node: NodeId) -> _Way:
        known, key = self._registry.nodes.get(node), self._trusted.get(node)
        if key is None:
            raise NodeGone(f"Node {node} is not trusted here.")
        if known is None:
            raise NodeGone(f"Node {node} has not reported.")
        self._retire(node)
        client = NodeClient(
            node,
            known.url,
            replica=self._replica,
            control_key=self._control_key,
            node_key=key,
            certificate=known.certificate,
            on_event=partial(self._happened, node),
            on_connected=partial(self._connected, node),
            on_lost=partial(self._lost, node),
        )
        way = self._ways[node] = _Way(client)
        await client.__aenter__()
        return way

    def _retire(self, node: NodeId) -> None:
        way = self._ways.pop(node, None)
        if way is not None:
            task = asyncio.get_running_loop().create_task(way.client.__aexit__(None, None, None))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    def _happened(self, node: NodeId, event: MediaEvent) -> None:
        if isinstance(event, SfuDied):
            self._registry.sfu_died(node)
        self.on_event(node, event)

    def _connected(self, node: NodeId, _: NodeDescription) -> None:
        self._registry.rpc_connected(node)
        self._ways[node].tried.set()
        self.on_connected(node)

    def _lost(self, node: NodeId, why: Lost) -> None:
        self._registry.rpc_lost(node, why)
        if node in self._ways:
            self._ways[node].tried.set()
