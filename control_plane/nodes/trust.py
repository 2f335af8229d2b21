"""Whose heartbeats this replica believes: the nodes of its settings, and those that operators have approved.

The database decides and every replica remembers all of it, so that a heartbeat costs no question, and the database may
be away. Whoever changes something tells every replica through Redis; a word that got lost is made up for within 5 s, by
asking the database for one number. Redis keeps nothing of it, so that there is nothing to put back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Self

import structlog

from control_plane.errors import Unavailable
from control_plane.ids import NodeId
from control_plane.nodes.records import NodeRecord, NodeRecords, NodeState
from control_plane.state import Redis
from control_plane.state.keys import NODE_NEWS
from media_adapters.wire import public_key

log = structlog.get_logger()

CHECK_S = 5.0
RETRY_S = 1.0


async def announce(redis: Redis) -> None:
    """Tell every replica that a record has changed. Raises `Unavailable`: they find out by themselves then."""
    await redis.execute("PUBLISH", NODE_NEWS, "changed")


class NodeTrust:
    """Made by `start`."""

    def __init__(self, records: NodeRecords, static: Mapping[NodeId, str]) -> None:
        """Raises `BadKey` when a static key can't be read."""
        for key in static.values():
            public_key(key)
        self._records = records
        self._static = dict(static)
        self._known: dict[NodeId, NodeRecord] = {}
        self._keys: dict[NodeId, str] = dict(static)
        self._approved: dict[NodeId, str] = dict(static)
        self._number = -1
        self._news, self._loading = asyncio.Event(), asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []

    @classmethod
    @asynccontextmanager
    async def start(cls, records: NodeRecords, static: Mapping[NodeId, str], redis: Redis) -> AsyncIterator[Self]:
        """Read now, and keep up until left. Raises `BadKey`, `Unavailable`."""
        trust = cls(records, static)
        await redis.subscribe(NODE_NEWS, lambda _: trust._news.set(), trust._news.set).ready()
        await trust.load()
        task = asyncio.create_task(trust._keep_up(), name="node trust")
        try:
            yield trust
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def keys(self) -> Mapping[NodeId, str]:
        """Public key of each node that is believed. A view that changes as operators decide."""
        return MappingProxyType(self._approved)

    @property
    def signers(self) -> Mapping[NodeId, str]:
        """Also of those that wait for approval or were removed: who signs with these is no stranger."""
        return MappingProxyType(self._keys)

    def state(self, node: NodeId) -> NodeState | None:
        """None for a stranger."""
        if node in self._static:
            return NodeState.STATIC
        record = self._known.get(node)
        return None if record is None or record.state is NodeState.STATIC else record.state

    def region(self, node: NodeId) -> str | None:
        """The region that the node enrolled for; None when it may say so itself."""
        record = None if node in self._static else self._known.get(node)
        return None if record is None else record.region

    @property
    def draining(self) -> frozenset[NodeId]:
        return frozenset(node for node, record in self._known.items() if record.draining)

    @property
    def removed(self) -> frozenset[NodeId]:
        return frozenset(
            node
            for node, record in self._known.items()
            if record.state is NodeState.REMOVED and node not in self._static
        )

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` now and whenever something has changed."""
        self._listeners.append(listener)
        listener()

    async def load(self) -> None:
        """Raises `Unavailable`."""
        async with self._loading:  # or what was read first could be put in place last
            number = await self._records.changes()  # first: what changes while all are read is read again
            known = {record.id: record for record in await self._records.all()}
            self._number = number
            if known != self._known:
                self._replace(known)

    def _replace(self, known: dict[NodeId, NodeRecord]) -> None:
        self._known = known
        keys = {node: record.public_key for node, record in known.items() if record.public_key is not None}
        self._keys = keys | self._static
        approved = {node: key for node, key in keys.items() if known[node].state is NodeState.APPROVED}
        self._approved.clear()
        self._approved.update(approved | self._static)
        log.info("node_records_changed", approved=len(self._approved), draining=len(self.draining))
        for listener in self._listeners:
            listener()

    async def _keep_up(self) -> None:
        pause = CHECK_S
        while True:
            told = await self._told_within(pause)
            try:
                if told or await self._records.changes() != self._number:
                    await self.load()
                pause = CHECK_S
            except Unavailable:
                self._number, pause = -1, RETRY_S

    async def _told_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True
