"""What one replica knows of the media nodes: a view of all, refreshed each second, and which are lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from types import MappingProxyType
from typing import Self

import structlog

from control_plane.clock import Clock, SystemClock
from control_plane.errors import NoCapacity, Unavailable
from control_plane.ids import Incarnation, NodeId, RoomId
from control_plane.nodes.evidence import Cause, Evidence, RpcState, Verdict
from control_plane.nodes.models import Need, Node
from control_plane.nodes.rpc import PING_TIMEOUT, Lost
from control_plane.nodes.selection import HEALTHY_MS, Choice, choose
from control_plane.nodes.store import NodeStore
from control_plane.nodes.tally import Tally
from control_plane.state import Redis, RedisReplyError

log = structlog.get_logger()

REFRESH_SECONDS = 1.0
STALE_SECONDS = 2.0
"""A view older than this is not chosen from."""


class NodeRegistry:
    """The nodes as this replica sees them. Start it with `start`; tell it what the RPC clients see."""

    def __init__(self, redis: Redis, *, clock: Clock | None = None, random: Random | None = None) -> None:
        """Without `start` nothing refreshes by itself."""
        self.store = NodeStore(redis)
        self._clock = clock or SystemClock()
        self._random = random or Random()  # noqa: S311 - spreads load, guards nothing
        self._nodes: dict[NodeId, Node] = {}
        self._redis_ms = 0
        self._taken = float("-inf")
        self._refreshing = asyncio.Lock()
        self._evidence = Evidence(self._clock)
        self._evidence.redis_changed(up=redis.connected)
        redis.on_connected(lambda: self._evidence.redis_changed(up=True))
        redis.on_lost(lambda: self._evidence.redis_changed(up=False))
        self._verdict = Verdict()
        self._draining: frozenset[NodeId] = frozenset()
        self._removed: frozenset[NodeId] = frozenset()
        self._listeners: list[Callable[[], None]] = []
        self._fresh: asyncio.Task[None] | None = None
        self.tally = Tally()

    @classmethod
    @asynccontextmanager
    async def start(cls, redis: Redis, *, clock: Clock | None = None) -> AsyncIterator[Self]:
        """Refresh now and each second until left. Raises `Unavailable` when the first view can't be had."""
        registry = cls(redis, clock=clock)
        await registry.refresh()
        task = registry._fresh = asyncio.create_task(registry._keep_fresh(), name="node registry")
        try:
            yield registry
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def running(self) -> bool:
        """False when a fault of ours has ended what `start` began."""
        return self._fresh is not None and not self._fresh.done()

    @property
    def nodes(self) -> Mapping[NodeId, Node]:
        """Every node that reported within a day, also silent ones, as of the last refresh."""
        return MappingProxyType(self._nodes)

    @property
    def verdict(self) -> Verdict:
        """Which nodes are lost and why, and which look lost but too many at once. As of the last change."""
        return self._verdict

    @property
    def silence_counts(self) -> bool:
        """False while Redis is away and for 5 s after, as after our own start or stall: silence then proves nothing."""
        return self._evidence.silence_counts

    def is_lost(self, node: NodeId) -> bool:
        """Whether the node's rooms must move: it is dead, not merely slow to answer us."""
        return node in self._verdict.lost

    def on_verdict(self, listener: Callable[[], None]) -> None:
        """Call `listener` at once whenever the set of lost or held nodes has changed."""
        self._listeners.append(listener)

    def rpc_connected(self, node: NodeId) -> None:
        """This replica's RPC connection to the node is up."""
        self._evidence.rpc_changed(node, RpcState.CONNECTED)
        self._judge()

    def rpc_lost(self, node: NodeId, why: Lost) -> None:
        """This replica's RPC connection to the node was lost, or could not be made."""
        state = RpcState.REFUSED if why is Lost.REFUSED else RpcState.AWAY
        self._evidence.rpc_changed(node, state, silent_for=PING_TIMEOUT if why is Lost.SILENT else 0)
        if why is Lost.SFU_DOWN:
            self._evidence.sfu_died(node)
        self._judge()

    def sfu_died(self, node: NodeId) -> None:
        """The node's agent told so."""
        self._evidence.sfu_died(node)
        self._judge()

    def decided(self, *, draining: frozenset[NodeId], removed: frozenset[NodeId]) -> None:
        """What operators want: no new rooms on those that drain; rooms of those that are removed move, as when a node
        is lost."""
        self._draining, self._removed = draining, removed
        self._take(self._nodes.values())
        self._judge()

    async def refresh(self) -> None:
        """Take a view not older than this call. Callers at the same time share one. Raises `Unavailable`."""
        asked = self._clock.monotonic()
        async with self._refreshing:
            if self._taken < asked:
                began = self._clock.monotonic()
                view = await self.store.view()
                self._taken, self._redis_ms = began, view.redis_ms
                for gone in self._nodes.keys() - {node.id for node in view.nodes}:
                    self._lose_sight(gone)
                self._take(view.nodes)
                self._hear()

    async def reserve(self, room: RoomId, incarnation: Incarnation, purpose: str, need: Need) -> NodeId:
        """Reserve on a node, for 10 s. The same room, incarnation and purpose get the same node, from any replica.

        Raises `NoCapacity` with the reasons, `Unavailable`.
        """
        reservation = _reservation(room, incarnation, purpose)
        void = need.avoid | self._verdict.lost.keys()
        need = replace(need, avoid=void)
        if self._clock.monotonic() - self._taken > STALE_SECONDS:
            await self.refresh()
        choice = self._choose(need)
        node = await self.store.reserve(reservation, need.streams, choice.candidates, void)
        if node is None:  # the view may be a second old, and others reserve too
            await self.refresh()
            choice = self._choose(need)
            node = await self.store.reserve(reservation, need.streams, choice.candidates, void)
        self.tally.settled(choice, node)
        if node is None:
            raise NoCapacity(_sentence(choice), retry_after_ms=1000)
        self._count(node, need.streams)
        return node

    async def release(self, room: RoomId, incarnation: Incarnation, purpose: str, node: NodeId) -> None:
        """Give a reservation back, when the room has settled on another node. Raises `Unavailable`."""
        await self.store.release(_reservation(room, incarnation, purpose), node)

    def look(self, need: Need) -> Choice:
        """Who could take it now, as far as is known. Nothing is reserved."""
        return self._choose(replace(need, avoid=need.avoid | self._verdict.lost.keys()))

    def state_of(self, node: Node) -> str:
        """`up`, `draining`, `sfu_down`, `silent` (no heartbeat for 3 s) or `lost` (its rooms move), as of the last refresh:
        while Redis is away, nothing is known of heartbeats."""
        if self.is_lost(node.id):
            return "lost"
        if self._redis_ms - node.last_heartbeat >= HEALTHY_MS:
            return "silent"
        return "draining" if node.state == "up" and node.draining else node.state

    def heartbeat_age(self, node: Node) -> float:
        """Seconds since Redis recorded its last one."""
        return (self._now_ms() - node.last_heartbeat) / 1000

    def _take(self, nodes: Iterable[Node]) -> None:
        self._nodes = {
            node.id: replace(node, draining=node.id in self._draining) for node in nodes if node.id not in self._removed
        }

    def _choose(self, need: Need) -> Choice:
        return choose(self._nodes.values(), need, self._now_ms(), self._random)

    def _now_ms(self) -> float:
        """Redis time."""
        return self._redis_ms + (self._clock.monotonic() - self._taken) * 1000

    def _count(self, node: NodeId, streams: int) -> None:
        """So that a burst of our own spreads before the next refresh."""
        known = self._nodes.get(node)
        if known is not None:
            self._nodes[node] = replace(known, reserved=known.reserved + streams)

    def _hear(self) -> None:
        for node in self._nodes.values():
            age = (self._redis_ms - node.last_heartbeat) / 1000
            self._evidence.heard(node.id, age, sfu_up=node.state == "up")

    def _lose_sight(self, node: NodeId) -> None:
        """Silent for a day, or Redis came back empty; who is alive reports again within a second."""
        if self.silence_counts:
            self._evidence.forget(node)

    def _judge(self) -> None:
        for node in self._removed:
            self._evidence.forget(node)  # its silence is no sign of anything
        seen = self._evidence.look()
        removed = dict.fromkeys(self._removed, Cause.REMOVED)
        before, self._verdict = self._verdict, replace(seen, lost=MappingProxyType({**seen.lost, **removed}))
        if before == self._verdict:
            return
        for node, cause in self._verdict.lost.items():
            if node not in before.lost and cause is not Cause.REMOVED:
                log.warning("node_lost", node=node, cause=cause)
        if self._verdict.held - before.held:
            log.error("many_nodes_look_lost", nodes=sorted(self._verdict.held), known=len(self._nodes))
        for listener in self._listeners:
            listener()

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except Unavailable:
                log.debug("node_refresh_failed")
            except RedisReplyError as error:
                log.warning("node_refresh_refused", code=error.code)
            self._judge()


def _reservation(room: RoomId, incarnation: Incarnation, purpose: str) -> str:
    return f"{incarnation}:{purpose}:{room}"


def _sentence(choice: Choice) -> str:
    """Such as "No media node can take this now: 2 nodes full, 1 node silent."."""
    if not choice.rejected and not choice.candidates:
        return "No media node has reported to the control plane yet."
    counts = Counter(str(rejection) for rejection in choice.rejected.values())
    counts["full"] += len(choice.candidates)  # chosen from the view, but others were quicker
    reasons = (f"{count} {'node' if count == 1 else 'nodes'} {reason}" for reason, count in counts.items() if count)
    return f"No media node can take this now: {', '.join(reasons)}."
