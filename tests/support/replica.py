"""The real system in tests: replicas as `nexusvibe serve` runs them, media nodes with their agent, and a Redis."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from control_plane.access.tokens import Grants, RoomTokens
from control_plane.up.keys import Keys, load_or_make_keys
from control_plane.up.options import built_page
from media_adapters.wire import private_key, public_text
from media_adapters.wire.keys import new_private_key
from tests.support.database import migrate
from tests.support.ports import reserved_port
from tests.support.processes import RunningProcess, running_process
from tests.support.redis import RedisServer, running_redis

READY_SECONDS = 60.0


@dataclass(frozen=True)
class Replica:
    """One control-plane process. `process` kills, freezes and thaws it."""

    url: str
    process: RunningProcess
    tokens: RoomTokens

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/v1/signal"

    def token(
        self, room: str, identity: str | None = None, name: str | None = None, ttl: int = 3600, **grants: Any
    ) -> str:
        """A room token that every replica of the same keys takes. `grants` are further ones."""
        claims = {"room": room, "sub": identity, "name": name, **grants}
        return self.tokens.mint(Grants.model_validate(claims), ttl)

    def link(self, room: str, identity: str | None = None, name: str | None = None, **grants: Any) -> str:
        """The page, with a token of its own: what a person opens."""
        return f"{self.url}/#token={self.token(room, identity, name, **grants)}"

    async def until_ready(self, seconds: float = READY_SECONDS) -> None:
        """Redis is reached and a media node is known. Raises `AssertionError` with what is missing."""
        answer = "nothing"
        try:
            async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
                while True:
                    try:
                        async with session.get(f"{self.url}/readyz") as response:
                            if response.status == 200:
                                return
                            answer = await response.text()
                    except aiohttp.ClientConnectionError:
                        assert self.process.exit_code is None, f"{self.process.name} ended: {self.process.lines}"
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise AssertionError(f"{self.process.name} was not ready in {seconds:g} s; it said {answer}") from error


@dataclass(frozen=True)
class NodeKey:
    """A media node's name and where its private key is."""

    id: str
    file: Path
    public: str


@dataclass
class System:
    """What one test runs on. Parts can be added while it runs; replicas trust `node_keys` only."""

    folder: Path
    redis: RedisServer
    keys: Keys
    node_keys: Sequence[NodeKey]
    replica_ports: Sequence[int]
    replicas: list[Replica]
    nodes: list[RunningProcess]
    database_url: str
    backend: str
    _stack: AsyncExitStack

    async def start_replica(self, **settings: str) -> Replica:
        """The next replica. `settings` are those of `control_plane.settings`, as text."""
        index = len(self.replicas)
        own = {name.upper(): value for name, value in settings.items()}
        replica = await self._stack.enter_async_context(
            running_replica(
                self.redis.url,
                self.keys,
                self.node_keys,
                self.database_url,
                port=self.replica_ports[index],
                name=f"replica {index + 1}",
                **own,
            )
        )
        self.replicas.append(replica)
        return replica

    async def start_node(self, **settings: str) -> RunningProcess:
        """The next media node. `settings` are those of the node agent, as text."""
        key = self.node_keys[len(self.nodes)]
        urls = [f"http://127.0.0.1:{port}" for port in self.replica_ports]
        own = {"BACKEND": self.backend} | {name.upper(): value for name, value in settings.items()}
        node = await self._stack.enter_async_context(running_node(key, self.keys, urls, self.folder / key.id, **own))
        self.nodes.append(node)
        return node


@asynccontextmanager
async def running_replica(
    redis_url: str,
    keys: Keys,
    node_keys: Sequence[NodeKey],
    database_url: str,
    *,
    port: int | None = None,
    name: str = "replica",
    **own: str,
) -> AsyncIterator[Replica]:
    """One replica on a migrated database, as soon as it answers. `own`: settings without prefix, in upper case."""
    port = port or reserved_port()
    env = {
        "PORT": str(port),
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "SECRETS_DIR": str(keys.replica_secrets),
        "TRUSTED_NODES": json.dumps({key.id: key.public for key in node_keys}),
        "WEB_ROOT": str(built_page()),
        **own,
    }
    async with running_process(
        name,
        *(sys.executable, "-m", "control_plane", "serve"),
        cwd=keys.replica_secrets.parent,
        env={f"NEXUSVIBE_{key}": value for key, value in env.items()},
    ) as process:
        yield Replica(f"http://127.0.0.1:{port}", process, RoomTokens(keys.token_secret))


@asynccontextmanager
async def running_node(
    key: NodeKey, keys: Keys, control_urls: Sequence[str], run_dir: Path, **own: str
) -> AsyncIterator[RunningProcess]:
    """One media node, on loopback: Janus unless `own` says another. `own`: settings without prefix, in upper case."""
    env = {
        "ID": key.id,
        "KEY_FILE": str(key.file),
        "CONTROL_PUBLIC_KEY": keys.control_public_key,
        "CONTROL_URLS": ",".join(control_urls),
        "PORT": "0",
        "BACKEND": "janus",
        "MEDIA_ADDRESS": "127.0.0.1",
        "RUN_DIR": str(run_dir),
        **own,
    }
    async with running_process(
        key.id,
        *(sys.executable, "-m", "media_adapters.agent"),
        cwd=key.file.parent,
        env={f"NEXUSVIBE_NODE_{name}": value for name, value in env.items()},
    ) as process:
        yield process


@asynccontextmanager
async def running_system(
    backend: str = "janus", *, replicas: int = 1, nodes: int = 1, spare: int = 2
) -> AsyncIterator[System]:
    """A system that people can join. `spare`: how many replicas and nodes more may be started later."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_folder())
        redis = await stack.enter_async_context(running_redis())
        keys = load_or_make_keys(folder / "keys")
        node_keys = [_node_key(folder / "keys", f"node{number + 1}") for number in range(nodes + spare)]
        ports = [reserved_port() for _ in range(replicas + spare)]
        database_url = f"sqlite:///{folder}/keys/nexusvibe.db"
        await migrate(database_url)
        system = System(folder, redis, keys, node_keys, ports, [], [], database_url, backend, stack)
        for _ in range(nodes):
            await system.start_node()
        for _ in range(replicas):
            await system.start_replica()
        for replica in system.replicas:
            await replica.until_ready()
        yield system


@contextmanager
def _folder() -> Iterator[Path]:
    """Short, for sockets' paths, and open to pass through for Janus, which runs as another user."""
    with tempfile.TemporaryDirectory(prefix="nv-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


def _node_key(folder: Path, name: str) -> NodeKey:
    file = folder / f"{name}.pem"
    file.write_bytes(new_private_key())
    file.chmod(0o600)
    return NodeKey(name, file, public_text(private_key(file.read_bytes())))
