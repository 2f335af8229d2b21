"""The servers that signaling is measured on: ours, and Socket.IO with the Redis adapter.

Each kind has a Redis of its own; servers are processes whose CPU and memory are read from /proc.
"""

import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.joiners import NEXUSVIBE, SOCKETIO, Speech
from bench.table import cpu_of
from control_plane.access.tokens import RoomTokens
from tests.support.database import migrate
from tests.support.inprocess import TOKEN_SECRET
from tests.support.ports import reserved_port
from tests.support.processes import RunningProcess, running_process
from tests.support.redis import RedisServer, running_redis
from tests.support.replica import Replica

ROOT = Path(__file__).parents[1]
BASELINES = Path(__file__).parent / "baselines"


@dataclass(frozen=True)
class Contender:
    """So many `servers` (URLs) of one kind. `processes` are what the figures call them, and their pids."""

    name: str
    speech: Speech
    servers: Sequence[str]
    redis: RedisServer
    processes: Mapping[str, Sequence[int]]

    def spent(self) -> dict[str, float]:
        """CPU seconds of each part so far."""
        usage = self.redis.ask("INFO", "cpu").decode()
        figures = dict(line.split(":") for line in usage.split() if ":" in line)
        redis = float(figures["used_cpu_user"]) + float(figures["used_cpu_sys"])
        return {name: sum(map(cpu_of, pids)) for name, pids in self.processes.items()} | {"Redis": redis}


def contenders(servers: int = 1) -> AbstractAsyncContextManager[list[Contender]]:
    """Ours and theirs, each with so many servers."""
    return _contenders(servers)


@asynccontextmanager
async def _contenders(servers: int) -> AsyncIterator[list[Contender]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(start(servers)) for start in (nexusvibe, socketio)]


@asynccontextmanager
async def nexusvibe(servers: int = 1) -> AsyncIterator[Contender]:
    """Replicas of ours, with a media node that has an agent and no SFU."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nv-bench-")))
        redis = await stack.enter_async_context(running_redis())
        database = f"sqlite:///{folder}/nexusvibe.db"
        await migrate(database)
        node = await stack.enter_async_context(
            running_process("node", sys.executable, "-m", "bench.stand_in", redis.url, cwd=ROOT)
        )
        keys = json.loads(await node.says("node_key"))
        env = {
            "REDIS_URL": redis.url, "DATABASE_URL": database, "TOKEN_SECRET": TOKEN_SECRET,
            "CONTROL_KEY": keys["control_key"], "TRUSTED_NODES": json.dumps({"n1": keys["node_key"]}),
            "LOG_LEVEL": "warning", "NODE_JOINS_PER_S": "0",  # all join on one node, as fast as it goes
        }  # fmt: skip
        started = [await stack.enter_async_context(_replica(folder, env)) for _ in range(servers)]
        urls = [url for url, _ in started]
        processes = {"the replicas": [process.pid for _, process in started], "the node's agent": [node.pid]}
        yield Contender("NexusVibe", NEXUSVIBE, urls, redis, processes)


@asynccontextmanager
async def _replica(folder: Path, env: Mapping[str, str]) -> AsyncIterator[tuple[str, RunningProcess]]:
    port = reserved_port()
    settings = {f"NEXUSVIBE_{name}": value for name, value in {**env, "PORT": str(port)}.items()}
    command = (sys.executable, "-m", "control_plane", "serve")
    async with running_process("replica", *command, cwd=folder, env=settings) as process:
        url = f"http://127.0.0.1:{port}"
        await Replica(url, process, RoomTokens(TOKEN_SECRET)).until_ready()
        yield url, process


@asynccontextmanager
async def socketio(servers: int = 1) -> AsyncIterator[Contender]:
    """Their servers, which do the same with the same tokens."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(running_redis())
        started = [await stack.enter_async_context(_socketio(redis)) for _ in range(servers)]
        urls = [url for url, _ in started]
        yield Contender("Socket.IO", SOCKETIO, urls, redis, {"the servers": [process.pid for _, process in started]})


@asynccontextmanager
async def _socketio(redis: RedisServer) -> AsyncIterator[tuple[str, RunningProcess]]:
    port = reserved_port()
    env = {"PORT": str(port), "REDIS_PATH": redis.url.removeprefix("unix://"), "TOKEN_SECRET": TOKEN_SECRET}
    node = os.fspath(ROOT / "infra/setup/node")
    async with running_process("socket.io", node, "socketio.mjs", cwd=BASELINES, env=env) as server:
        await server.says("ready")
        yield f"http://127.0.0.1:{port}", server
