"""What a join costs a server: a websocket, a verified token, a place in a room that Redis knows of, and the word to the
others. Ours against Socket.IO with the Redis adapter, which does the same; both verify the same HS256 tokens.

Servers are processes of their own, and their CPU is read from /proc. Everybody who joins stays for the round: leaving
is not part of it. What ours does beside that, placing the room on a media node and preparing the media there, is in the
replica's figure, and the node's agent has one of its own.
"""

import io
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from bench.joiners import NEXUSVIBE, SOCKETIO, Crowd
from bench.table import ROUNDS, Row, cpu_of
from control_plane.access.tokens import Grants, RoomTokens
from control_plane.ids import Identity
from tests.support.database import migrate
from tests.support.inprocess import TOKEN_SECRET
from tests.support.ports import reserved_port
from tests.support.processes import running_process
from tests.support.redis import RedisServer, running_redis
from tests.support.replica import Replica

JOINS = 1000
AT_ONCE = 50
ROOM_OF = 4
ROOT = Path(__file__).parents[1]
BASELINES = Path(__file__).parent / "baselines"


@dataclass(frozen=True)
class Contender:
    """A server with its own Redis. `processes` are what it runs, by what the figures call them."""

    name: str
    crowd: Callable[[], Crowd]
    redis: RedisServer
    processes: Mapping[str, int]

    def spent(self) -> dict[str, float]:
        """CPU seconds of each part so far."""
        usage = self.redis.ask("INFO", "cpu").decode()
        figures = dict(line.split(":") for line in usage.split() if ":" in line)
        redis = float(figures["used_cpu_user"]) + float(figures["used_cpu_sys"])
        return {name: cpu_of(pid) for name, pid in self.processes.items()} | {"Redis": redis}


async def measure() -> list[Row]:
    async with AsyncExitStack() as stack:
        stack.enter_context(redirect_stdout(io.StringIO()))  # what the servers say
        contenders = [await stack.enter_async_context(start()) for start in (_ours, _theirs)]
        costs: dict[tuple[str, str], list[float]] = {}
        for number in range(ROUNDS + 1):  # the first is to warm up
            for contender in contenders:
                for part, cost in (await _round(contender, number)).items():
                    costs.setdefault((contender.name, part), []).append(cost)
    rows = [Row(f"{name}: CPU of {part}", "ms each", values[1:], digits=2) for (name, part), values in costs.items()]
    ours, theirs = costs["NexusVibe", "the replica"][1:], costs["Socket.IO", "the server"][1:]
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return [*rows, Row("the replica, of Socket.IO's server", "times", ratios, digits=2)]


async def _round(contender: Contender, number: int) -> dict[str, float]:
    """Milliseconds of CPU for each join, by part."""
    tokens = RoomTokens(TOKEN_SECRET)
    shown = [
        tokens.mint(Grants(room=f"round{number}-{who // ROOM_OF}", identity=Identity(f"person{who}"), name="Somebody"))
        for who in range(JOINS)
    ]
    crowd = contender.crowd()
    before = contender.spent()
    await crowd.join(shown, ROOM_OF)
    after = contender.spent()
    await crowd.leave()
    return {part: (after[part] - before[part]) / JOINS * 1e3 for part in after}


@asynccontextmanager
async def _ours() -> AsyncIterator[Contender]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nv-bench-")))
        redis = await stack.enter_async_context(running_redis())
        database, port = f"sqlite:///{folder}/nexusvibe.db", reserved_port()
        await migrate(database)
        node = await stack.enter_async_context(
            running_process("node", sys.executable, "-m", "bench.stand_in", redis.url, cwd=ROOT)
        )
        keys = json.loads(await node.says("node_key", seconds=60.0))
        env = {
            "PORT": str(port), "REDIS_URL": redis.url, "DATABASE_URL": database, "TOKEN_SECRET": TOKEN_SECRET,
            "CONTROL_KEY": keys["control_key"], "TRUSTED_NODES": json.dumps({"n1": keys["node_key"]}),
            "LOG_LEVEL": "warning", "NODE_JOINS_PER_S": "0",  # all join on one node, as fast as it goes
        }  # fmt: skip
        replica = await stack.enter_async_context(
            running_process(
                "replica",
                sys.executable,
                "-m",
                "control_plane",
                "serve",
                cwd=folder,
                env={f"NEXUSVIBE_{name}": value for name, value in env.items()},
            )
        )
        url = f"http://127.0.0.1:{port}"
        await Replica(url, replica, RoomTokens(TOKEN_SECRET)).until_ready()
        processes = {"the replica": replica.pid, "the node's agent": node.pid}
        yield Contender("NexusVibe", lambda: Crowd(url, NEXUSVIBE, AT_ONCE), redis, processes)


@asynccontextmanager
async def _theirs() -> AsyncIterator[Contender]:
    async with running_redis() as redis:
        port = reserved_port()
        env = {"PORT": str(port), "REDIS_PATH": redis.url.removeprefix("unix://"), "TOKEN_SECRET": TOKEN_SECRET}
        node = os.fspath(ROOT / "infra/setup/node")
        async with running_process("socket.io", node, "socketio.mjs", cwd=BASELINES, env=env) as server:
            await server.says("ready", seconds=60.0)
            url = f"http://127.0.0.1:{port}"
            yield Contender("Socket.IO", lambda: Crowd(url, SOCKETIO, AT_ONCE), redis, {"the server": server.pid})
