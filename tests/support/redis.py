"""Real Redis servers for tests: one on a Unix socket, and a cluster of masters on loopback."""

import asyncio
import functools
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker.errors  # type: ignore[import-untyped]
import pytest
import redis as redis_py
from testcontainers.community.redis import RedisContainer

from control_plane.state import Redis

START_SECONDS = 10.0
SLOTS = 16_384


@dataclass(frozen=True)
class RedisTarget:
    """Where a test's Redis is: what `Redis.connect` takes. Empty when the test begins."""

    url: str
    cluster: bool

    def connect(self, timeout: float = 2.0) -> AbstractAsyncContextManager[Redis]:
        return Redis.connect(self.url, cluster=self.cluster, timeout=timeout)


class RedisServer:
    """A `redis-server` of our own; it dies with the test's thread at the latest. Nothing is kept on disk."""

    def __init__(self, folder: Path, *, port: int = 0, options: tuple[str, ...] = ()) -> None:
        """On a Unix socket in `folder`, or on a loopback port when one is given."""
        self.port = port
        self._folder = folder
        self._options = options
        self._socket = folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0" if self.port else f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Start, and wait until it answers."""
        argv = ["setpriv", "--pdeathsig", "KILL", "redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        argv += ["--dir", str(self._folder), "--save", "", "--appendonly", "no", "--daemonize", "no", *self._options]
        if not self.port:
            argv += ["--unixsocket", str(self._socket)]
        output = self._folder / "redis.log"
        with output.open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"redis-server did not start: {output.read_text()}")
            time.sleep(0.005)

    def kill(self) -> None:
        """SIGKILL, and wait for its end. A server that is not running stays so."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def restart_empty(self) -> None:
        """Kill it and start another in its place, which knows nothing: no keys, no scripts."""
        self.kill()
        await asyncio.to_thread(self.start)

    def stop(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        """Let a frozen server go on."""
        self._signal(signal.SIGCONT)

    def ask(self, *command: str | int) -> Any:
        """The raw reply to another, blocking client."""
        return self._client.execute_command(*command)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        self.kill()
        self._client.close()

    @functools.cached_property
    def _client(self) -> redis_py.Redis:
        client = redis_py.Redis.from_url(self.url, protocol=2)
        client.response_callbacks.clear()
        return client

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING") == b"PONG")
        except redis_py.ConnectionError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the server is not running"
        self._process.send_signal(number)


class RedisCluster:
    """Masters that share the slots evenly, and one replica for each of the first `replicas` masters."""

    def __init__(self, folder: Path, *, masters: int = 3, replicas: int = 0) -> None:
        ports = free_ports(2 * (masters + replicas))
        self._buses = dict(zip(ports[::2], ports[1::2], strict=True))
        self.servers = [self._server(folder, port, bus) for port, bus in self._buses.items()]
        self.masters, self.replicas = self.servers[:masters], self.servers[masters:]

    @property
    def url(self) -> str:
        return self.masters[0].url

    def start(self) -> None:
        """Start all, share the slots out, and wait until everybody knows that the cluster is whole."""
        for server in self.servers:
            server.start()
        share = SLOTS / len(self.masters)
        for index, server in enumerate(self.masters):
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
            server.ask("CLUSTER", "ADDSLOTSRANGE", round(index * share), round((index + 1) * share) - 1)
        for server in self.servers[1:]:
            self.masters[0].ask("CLUSTER", "MEET", "127.0.0.1", server.port, self._buses[server.port])
        wait_until(lambda: all(self._whole(server) for server in self.servers))
        for master, replica in zip(self.masters, self.replicas, strict=False):
            replica.ask("CLUSTER", "REPLICATE", self.id_of(master))
        for master in self.masters[: len(self.replicas)]:
            wait_until(functools.partial(self._replicated, master))

    def flush(self) -> None:
        for server in self.masters:
            server.ask("FLUSHALL")

    def owner(self, slot: int) -> RedisServer:
        """The master that had this slot when the cluster was started."""
        return next(
            server for index, server in enumerate(self.masters) if slot < round((index + 1) * SLOTS / len(self.masters))
        )

    def id_of(self, server: RedisServer) -> str:
        return str(server.ask("CLUSTER", "MYID").decode())

    def close(self) -> None:
        for server in self.servers:
            server.close()

    @staticmethod
    def _server(folder: Path, port: int, bus: int) -> RedisServer:
        own = folder / str(port)
        own.mkdir()
        options = ["--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "1000"]
        options += ["--repl-diskless-sync-delay", "0"]
        return RedisServer(own, port=port, options=tuple(options))

    @staticmethod
    def _replicated(master: RedisServer) -> bool:
        return b"state=online" in master.ask("INFO", "replication")

    def _whole(self, server: RedisServer) -> bool:
        info = server.ask("CLUSTER", "INFO")
        return b"cluster_state:ok" in info and f"cluster_known_nodes:{len(self.servers)}\r".encode() in info


def wait_until(holds: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Wait, blocking, for a change in another process that tells nobody."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("a Redis server did not reach the state that the test needs")
        time.sleep(0.01)


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@asynccontextmanager
async def running_redis(*options: str, port: int = 0) -> AsyncIterator[RedisServer]:
    """A Redis of this test's own, to be killed, frozen or emptied. `options` are redis-server's."""
    with tempfile.TemporaryDirectory(prefix="redis") as folder:
        server = RedisServer(Path(folder), port=port, options=options)
        try:
            await asyncio.to_thread(server.start)
            yield server
        finally:
            server.close()


@asynccontextmanager
async def running_cluster(*, masters: int = 3, replicas: int = 0) -> AsyncIterator[RedisCluster]:
    """A cluster of this test's own."""
    with tempfile.TemporaryDirectory(prefix="redis") as folder:
        cluster = RedisCluster(Path(folder), masters=masters, replicas=replicas)
        try:
            await asyncio.to_thread(cluster.start)
            yield cluster
        finally:
            cluster.close()


@functools.cache
def has_redis_server() -> bool:
    """Whether the installed binary is used. Without one the plain Redis is a container, if an engine answers."""
    return shutil.which("redis-server") is not None


@contextmanager
def plain_redis(folder: Path) -> Iterator[str]:
    """The URL of a Redis that many tests share."""
    if not has_redis_server():
        try:
            container = RedisContainer("redis:7")
        except docker.errors.DockerException:
            pytest.fail("Tests need a Redis: install redis-server, or start a Docker engine.")
        with container:
            yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"
        return
    server = RedisServer(folder)
    try:
        server.start()
        yield server.url
    finally:
        server.close()


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with plain_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    if not has_redis_server():
        pytest.skip("a Redis cluster needs redis-server installed")
    cluster = RedisCluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(params=["plain", "cluster"])
def redis_target(request: pytest.FixtureRequest) -> RedisTarget:
    """An empty Redis, once plain and once as a cluster; shared by all tests, so don't kill it."""
    if request.param == "cluster":
        cluster: RedisCluster = request.getfixturevalue("shared_cluster")
        cluster.flush()
        return RedisTarget(cluster.url, cluster=True)
    url: str = request.getfixturevalue("shared_redis")
    with redis_py.Redis.from_url(url) as client:
        client.flushall()
    return RedisTarget(url, cluster=False)


@pytest.fixture
async def redis(redis_target: RedisTarget) -> AsyncIterator[Redis]:
    """A connection to `redis_target`."""
    async with redis_target.connect() as connected:
        yield connected
