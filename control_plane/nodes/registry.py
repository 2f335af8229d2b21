"""What one replica knows of the media nodes: a view of all, never older than a second, and which are lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from types import MappingProxyType
from typing import Self

import structlog

from control_plane.clock import Clock, SystemClock
from control_plane.errors import NoCapacity, Unavailable
from control_plane.ids import NodeId
from control_plane.nodes.backoff import Backoff
from control_plane.nodes.evidence import Cause, Evidence, RpcState, Verdict
from control_plane.nodes.fleet import Fleet
from control_plane.nodes.models import Need, Node
from control_plane.nodes.rpc import PING_TIMEOUT, Lost
from control_plane.nodes.selection import HEALTHY_MS, Choice, Rejection, choose
from control_plane.nodes.store import Claim, NodeStore, Reserved
from control_plane.nodes.tally import Tally
from control_plane.state import Redis, RedisReplyError

log = structlog.get_logger()

REFRESH_SECONDS = 0.25
"""Only what changed since is read, so that looking often costs little more."""
JUDGE_SECONDS = 1.0
"""Whether nodes are lost takes a look at all of them."""
STALE_SECONDS = 2.0
"""A view older than this is not chosen from."""
MOST_JOINS_PER_S = 200
"""How many joins a node takes in a second before rooms are placed elsewhere."""
BUSY_RETRY_MS = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a wish for a place: `node`, or why not. `refused` were candidates, but without room by then."""

    need: Need
    choice: Choice
    node: NodeId | None
    refused: dict[NodeId, Rejection] = field(default_factory=dict)

    @property
    def rejected(self) -> dict[NodeId, Rejection]:
        """Every node that was looked at and not taken for a reason of its own."""
        return self.choice.rejected | self.refused

    def expect_node(self) -> NodeId:
        """Raises `NoCapacity` with the reasons."""
        if self.node is None:
            raise NoCapacity(_sentence(self.rejected), retry_after_ms=BUSY_RETRY_MS)
        return self.node


class NodeRegistry:
    """The nodes as this replica sees them. Start it with `start`; tell it what the RPC clients see."""

    def __init__(
        self,
        redis: Redis,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        most_joins_per_s: int = MOST_JOINS_PER_S,
    ) -> None:
        """Without `start` nothing refreshes by itself."""
        self.store = NodeStore(redis)
        self._clock = clock or SystemClock()
        self._random = random or Random()  # noqa: S311 - spreads load, guards nothing
        self._most_joins_per_s = most_joins_per_s
        self._fleet = Fleet()
        self._backoff = Backoff(self._clock)
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
        self._hidden: set[NodeId] = set()
        self._incomplete = True
        self._listeners: list[Callable[[], None]] = []
        self._fresh: asyncio.Task[None] | None = None
        self.tally = Tally()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, redis: Redis, *, clock: Clock | None = None, most_joins_per_s: int = MOST_JOINS_PER_S
    ) -> AsyncIterator[Self]:
        """Refresh now and regularly until left. Raises `Unavailable` when the first view can't be had."""
        registry = cls(redis, clock=clock, most_joins_per_s=most_joins_per_s)
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
        return self._fleet.nodes

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
        self._incomplete = self._incomplete or bool(self._removed - removed)
        self._draining, self._removed = draining, removed
        self._take(tuple(self._fleet.nodes.values()))
        self._judge()

    async def refresh(self) -> None:
        """Take a view not older than this call. Callers at the same time share one. Raises `Unavailable`."""
        asked = self._clock.monotonic()
        async with self._refreshing:
            if self._taken < asked:
                await self._look()

    async def _look(self) -> None:
        """Take in what changed since the last look; everything, when that would not be all."""
        began = self._clock.monotonic()
        view, whole = await self.store.view(0 if self._incomplete else self._redis_ms), self._incomplete
        known = self._fleet.nodes.keys() | self._hidden | {node.id for node in view.nodes}
        if not whole and (view.redis_ms < self._redis_ms or view.count != len(known)):
            began, view, whole = self._clock.monotonic(), await self.store.view(), True
        if whole:
            there = {node.id for node in view.nodes}
            self._hidden &= there
            for gone in self._fleet.nodes.keys() - there:
                self._fleet.remove(gone)
                self._lose_sight(gone)
        self._taken, self._redis_ms, self._incomplete = began, view.redis_ms, False
        self._take(view.nodes)
        for node in view.nodes:
            self._evidence.heard(node.id, (view.redis_ms - node.last_heartbeat) / 1000, sfu_up=node.state == "up")
        for name, reserved in view.reserved.items():
            if name in self._fleet.nodes:
                self._fleet.put(replace(self._fleet.nodes[name], reserved=reserved))

    def _take(self, nodes: Iterable[Node]) -> None:
        """As operators want them. Those that they have removed may go on reporting for a moment."""
        for node in nodes:
            if node.id in self._removed:
                self._hidden.add(node.id)
                if node.id in self._fleet.nodes:
                    self._fleet.remove(node.id)
            else:
                self._hidden.discard(node.id)
                self._fleet.put(replace(node, draining=node.id in self._draining))

    async def reserve(self, claim: Claim, need: Need) -> Outcome:
        """Choose a node and reserve on it, for 10 s. Claims of the same place get the same node, from any replica.

        Raises `Unavailable`.
        """
        void = need.avoid | self._verdict.lost.keys()
        need = replace(need, avoid=void)
        if self._clock.monotonic() - self._taken > STALE_SECONDS:
            await self.refresh()
        choice = self._choose(need)
        reserved = await self._reserve(claim, need, choice)
        if reserved.node is None:  # the view may be behind, and others reserve too
            await self.refresh()
            choice = self._choose(need, thorough=True)
            reserved = await self._reserve(claim, need, choice)
        outcome = Outcome(need, choice, reserved.node, reserved.refused)
        self.tally.settled(outcome.rejected.values(), outcome.node)
        return outcome

    async def reserve_on(self, node: NodeId, claim: Claim, need: Need) -> Outcome:
        """Reserve on this node and no other, whatever its state: what it is for is there already. Raises
        `Unavailable`."""
        reserved = await self.store.reserve(claim, need.streams, [node])
        if reserved.node is not None:
            self._count(node, need.streams)
        return Outcome(need, Choice((node,), {}), reserved.node, reserved.refused)

    async def release(self, claim: Claim, node: NodeId) -> None:
        """Give a reservation back, when nothing came of it. Raises `Unavailable`."""
        await self.store.release(claim, node)

    def look(self, need: Need) -> Choice:
        """Who could take it now, as far as is known. Nothing is reserved."""
        return self._choose(replace(need, avoid=need.avoid | self._verdict.lost.keys()))

    def state_of(self, node: Node) -> str:
        """`up`, `draining`, `sfu_down`, `silent` (no heartbeat for 3 s) or `lost` (its rooms move), as of the last
        refresh: while Redis is away, nothing is known of heartbeats."""
        if self.is_lost(node.id):
            return "lost"
        if self._redis_ms - node.last_heartbeat >= HEALTHY_MS:
            return "silent"
        return "draining" if node.state == "up" and node.draining else node.state

    def heartbeat_age(self, node: Node) -> float:
        """Seconds since Redis recorded its last one."""
        return (self._now_ms() - node.last_heartbeat) / 1000

    def _choose(self, need: Need, *, thorough: bool = False) -> Choice:
        return choose(self._fleet, need, self._now_ms(), self._random, self._backoff.avoided(), thorough=thorough)

    def _now_ms(self) -> float:
        """Redis time."""
        return self._redis_ms + (self._clock.monotonic() - self._taken) * 1000

    async def _reserve(self, claim: Claim, need: Need, choice: Choice) -> Reserved:
        most = self._most_joins_per_s
        reserved = await self.store.reserve(claim, need.streams, choice.candidates, need.avoid, most)
        if reserved.node is not None:
            self._count(reserved.node, need.streams)
        return reserved

    def _count(self, node: NodeId, streams: int) -> None:
        """So that a burst of our own spreads before the next refresh."""
        known = self._fleet.nodes.get(node)
        if known is not None:
            self._fleet.put(replace(known, reserved=known.reserved + streams))

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
                self._backoff.failed(node)
                log.warning("node_lost", node=node, cause=cause)
        if self._verdict.held - before.held:
            log.error("many_nodes_look_lost", nodes=sorted(self._verdict.held), known=len(self._fleet))
        for listener in self._listeners:
            listener()

    async def _keep_fresh(self) -> None:
        judged = float("-inf")
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except Unavailable:
                log.debug("node_refresh_failed")
            except RedisReplyError as error:
                log.warning("node_refresh_refused", code=error.code)
            if self._clock.monotonic() - judged >= JUDGE_SECONDS:
                self._judge()
                judged = self._clock.monotonic()


def _sentence(rejected: dict[NodeId, Rejection]) -> str:
    """Such as "No media node can take this now: 2 nodes full, 1 node silent."."""
    if not rejected:
        return "No media node has reported to the control plane yet."
    counts = Counter(rejected.values())
    reasons = (f"{count} {'node' if count == 1 else 'nodes'} {reason}" for reason, count in counts.items())
    return f"No media node can take this now: {', '.join(reasons)}."
