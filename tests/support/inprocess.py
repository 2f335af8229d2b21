"""Replicas inside the test's own process, for what needs no media: quick to start, and their tasks can be counted."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from control_plane.access.keys import ApiKeys
from control_plane.access.tokens import Grants, RoomTokens
from control_plane.app import replica
from control_plane.clock import Clock
from control_plane.database import Database
from control_plane.ids import Identity, NodeId, ReplicaId
from control_plane.metrics.figures import Metrics
from control_plane.metrics.server import METRICS
from control_plane.nodes.identity import ControlKey, new_control_key
from control_plane.nodes.store import SETTLING_MS, NodeStore
from control_plane.settings import Settings
from control_plane.turn.settings import TurnSettings
from media_adapters.agent.server import NodeServer
from media_adapters.agent.service import AgentService
from media_adapters.models import Capability, NodeLoad
from media_adapters.wire import PATH, Heartbeat, new_private_key, private_key, public_key, public_text
from tests.support.database import migrate
from tests.support.recorder import DESCRIPTION, RecordingNode
from tests.support.redis import RedisTarget

TOKEN_SECRET = "a secret that is long enough for tests"
CONTROL_KEY = new_control_key()
NODE_PEM = new_private_key()
NODE_KEY = public_text(private_key(NODE_PEM))


@dataclass(frozen=True)
class LocalReplica:
    """Where an in-process replica listens, and tokens that it takes. `metrics` is what it would be scraped for."""

    url: str
    id: ReplicaId
    database_url: str
    metrics: Metrics

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/v1/signal"

    async def api_key(self, room_prefix: str = "") -> str:
        async with Database.connect(self.database_url) as database:
            _, shown = await ApiKeys(database).create("test", room_prefix)
        return shown

    def token(self, room: str, identity: str | None = None, ttl: int = 3600, *, hidden: bool = False) -> str:
        known = Identity(identity) if identity else None
        return RoomTokens(TOKEN_SECRET).mint(Grants(room=room, identity=known, name=identity, hidden=hidden), ttl)


@asynccontextmanager
async def local_replica(
    redis: RedisTarget,
    name: str,
    nodes: tuple[str, ...] = (),
    database_url: str = "",
    api_limit: int = 1_000_000,
    *,
    clock: Clock | None = None,
    turn: TurnSettings | None = None,
    control_pem: str = CONTROL_KEY,
    **more: Any,
) -> AsyncIterator[LocalReplica]:
    """`database_url` is of a migrated database, left out of one that is this replica's own. `more` are settings."""
    if not database_url:
        with tempfile.TemporaryDirectory(prefix="nv-db-") as folder:
            database_url = f"sqlite:///{folder}/nexusvibe.db"
            await migrate(database_url)
            async with local_replica(
                redis, name, nodes, database_url, api_limit, clock=clock, turn=turn, control_pem=control_pem, **more
            ) as own:
                yield own
        return
    settings = Settings(
        _env_file=None,
        replica_id=ReplicaId(name),
        redis_url=redis.url,
        redis_cluster=redis.cluster,
        database_url=database_url,
        token_secret=SecretStr(TOKEN_SECRET),
        control_key=SecretStr(control_pem),
        api_requests_per_minute=api_limit,
        trusted_nodes={NodeId(node): NODE_KEY for node in nodes},
        **more,
    )
    async with replica(settings, clock, turn or TurnSettings(_env_file=None)) as app:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield LocalReplica(url, settings.replica_id, database_url, app[METRICS])
        finally:
            await runner.cleanup()


@dataclass(frozen=True)
class LocalNode:
    """An agent in this process, in front of a recorder."""

    id: NodeId
    media: RecordingNode


@asynccontextmanager
async def local_node(
    target: RedisTarget, name: str, capacity: int = 1_000_000, region: str = "", settling_ms: int = SETTLING_MS
) -> AsyncIterator[LocalNode]:
    """A media node that replicas reach over the real RPC and whose heartbeats go on, but which carries no media. What
    is reserved there counts for `settling_ms`."""
    node, media, service = NodeId(name), RecordingNode(), AgentService(room_lease=30.0)
    server = NodeServer(node, private_key(NODE_PEM), public_key(ControlKey.from_pem(CONTROL_KEY).public), service)
    service.attach(media, DESCRIPTION)
    async with target.connect() as redis, server.listen("127.0.0.1", 0) as port:
        store = NodeStore(redis, settling_ms=settling_ms)
        first = _heartbeat(node, f"ws://127.0.0.1:{port}{PATH}", capacity, region)
        await store.record(first)
        tasks = [asyncio.create_task(_report(store, first)), asyncio.create_task(_pump(media, service))]
        try:
            yield LocalNode(node, media)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _report(store: NodeStore, first: Heartbeat) -> None:
    for sequence in count(first.sequence + 1):
        await asyncio.sleep(1)
        await store.record(first.model_copy(update={"sequence": sequence}))


async def _pump(media: RecordingNode, service: AgentService) -> None:
    async for event in media.events():
        service.happened(event)


def _heartbeat(node: NodeId, url: str, capacity: int, region: str) -> Heartbeat:
    return Heartbeat(
        node=node, url=url, region=region, backend="recorder", version="1", capabilities=frozenset(Capability),
        capacity=capacity, load=NodeLoad(), state="up", started_at=1, sequence=1, time_ms=1,
    )  # fmt: skip
