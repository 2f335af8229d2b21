"""Node agents for tests: the real process, and the same server in this process in front of a recorder."""

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from control_plane.ids import ReplicaId
from control_plane.nodes.identity import ControlKey, new_control_key
from control_plane.nodes.rpc import Lost, NodeClient
from media_adapters.agent.server import NodeServer
from media_adapters.agent.service import AgentService, machine_clock
from media_adapters.events import MediaEvent
from media_adapters.models import NodeDescription, NodeId
from media_adapters.wire import PATH, private_key, public_key, public_text
from tests.support.recorder import DESCRIPTION, RecordingNode

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 15.0

ItemT = TypeVar("ItemT")


class Heard(Generic[ItemT]):
    """What a listener was told, in order, to look at or to wait for."""

    def __init__(self) -> None:
        self.all: list[ItemT] = []
        self._queue: asyncio.Queue[ItemT] = asyncio.Queue()

    def __call__(self, item: ItemT) -> None:
        self.all.append(item)
        self._queue.put_nowait(item)

    async def next(self, timeout: float = PATIENCE) -> ItemT:
        return await asyncio.wait_for(self._queue.get(), timeout)

    async def until(self, wanted: Callable[[ItemT], bool], timeout: float = PATIENCE) -> ItemT:
        async with asyncio.timeout(timeout):
            while not wanted(item := await self._queue.get()):
                pass
            return item


@dataclass
class Replica:
    """A client with everything it heard."""

    client: NodeClient
    events: Heard[MediaEvent] = field(default_factory=Heard)
    connected: Heard[NodeDescription] = field(default_factory=Heard)
    lost: Heard[Lost] = field(default_factory=Heard)


@dataclass(frozen=True)
class Reachable:
    """What a replica must know about a node to command it."""

    node: NodeId
    url: str
    node_key: str
    control_pem: str

    @property
    def control_key(self) -> ControlKey:
        return ControlKey.from_pem(self.control_pem)

    @asynccontextmanager
    async def dialling(self, replica: str = "r_1", **changes: Any) -> AsyncIterator[Replica]:
        """A replica's client, not necessarily connected."""
        events, connected, lost = Heard[MediaEvent](), Heard[NodeDescription](), Heard[Lost]()
        arguments: dict[str, Any] = {
            "node": self.node,
            "url": self.url,
            "replica": ReplicaId(replica),
            "control_key": self.control_key,
            "node_key": self.node_key,
        }
        client = NodeClient(**(arguments | changes), on_event=events, on_connected=connected, on_lost=lost)
        async with client:
            yield Replica(client, events, connected, lost)

    @asynccontextmanager
    async def dialled(self, replica: str = "r_1", **changes: Any) -> AsyncIterator[Replica]:
        async with self.dialling(replica, **changes) as dialled:
            await dialled.connected.next()
            yield dialled


# ── In this process ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class LocalAgent(Reachable):
    media: RecordingNode
    service: AgentService
    server: NodeServer


@asynccontextmanager
async def local_agent(
    *, room_lease: float = 30.0, clock: Callable[[], float] = machine_clock
) -> AsyncIterator[LocalAgent]:
    """The agent's server on a free port, in front of a recorder whose events it serves."""
    node_key, control_pem = private_key(new_control_key().encode()), new_control_key()
    media, service = RecordingNode(), AgentService(room_lease=room_lease, clock=clock)
    server = NodeServer(NodeId("n_local"), node_key, public_key(ControlKey.from_pem(control_pem).public), service)
    service.attach(media, DESCRIPTION)

    async def pump() -> None:
        async for event in media.events():
            service.happened(event)

    async with server.listen("127.0.0.1", 0) as port:
        pumping = asyncio.create_task(pump())
        try:
            url = f"ws://127.0.0.1:{port}{PATH}"
            yield LocalAgent(NodeId("n_local"), url, public_text(node_key), control_pem, media, service, server)
        finally:
            pumping.cancel()
            await asyncio.wait({pumping})


# ── As a process ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class AgentProcess(Reachable):
    """A running `python -m media_adapters.agent`."""

    process: asyncio.subprocess.Process
    run_dir: Path
    logs: "AgentLogs"

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def sfu_pid(self) -> int:
        """The SFU that was started last."""
        pid: int = self.logs.last("sfu_started")["pid"]
        return pid

    async def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.process.kill()
        await self.process.wait()

    def stop(self) -> None:
        """SIGSTOP: the agent freezes."""
        self.process.send_signal(signal.SIGSTOP)

    def cont(self) -> None:
        self.process.send_signal(signal.SIGCONT)


class AgentLogs:
    """The agent's log lines as they come; what is not JSON is kept as `{"line": …}`."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self.lines: list[dict[str, Any]] = []
        self._news = asyncio.Condition()
        self._task = asyncio.create_task(self._read(stream))

    def last(self, event: str) -> dict[str, Any]:
        return next(line for line in reversed(self.lines) if line.get("event") == event)

    async def wait_for(self, event: str, times: int = 1, timeout: float = PATIENCE) -> dict[str, Any]:
        """The line of the `times`-th `event`. Fails with all lines when the agent ends before."""
        async with asyncio.timeout(timeout), self._news:
            while sum(line.get("event") == event for line in self.lines) < times:
                assert not self._task.done(), f"the agent ended without {event}: {self.lines}"
                await self._news.wait()
        return self.last(event)

    async def ended(self) -> list[dict[str, Any]]:
        await self._task
        return self.lines

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while raw := await stream.readline():
            async with self._news:
                self.lines.append(_parsed(raw))
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        line: dict[str, Any] = json.loads(raw)
    except ValueError:
        return {"line": raw.decode(errors="replace").rstrip()}
    return line


async def start_agent(environment: dict[str, str], run_dir: Path) -> tuple[asyncio.subprocess.Process, AgentLogs]:
    """The agent's process with exactly these variables, run in `run_dir`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "media_adapters.agent",
        cwd=run_dir,
        env={"PATH": os.environ["PATH"], **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    return process, AgentLogs(process.stderr)


@contextmanager
def agent_folder() -> Iterator[Path]:
    """A temporary folder for an agent to run in."""
    with tempfile.TemporaryDirectory(prefix="nexusvibe-agent-") as folder:
        yield Path(folder)


def agent_environment(
    folder: Path, *, backend: str = "janus", node: str = "n_test", control_pem: str, **settings: Any
) -> dict[str, str]:
    """Variables of an agent on free ports, with a fresh key in `folder`. `settings` are those of `AgentSettings`."""
    key_file = folder / "node.pem"
    if not key_file.exists():
        key_file.write_text(new_control_key())
    first_port = random.randrange(20000, 60000, 200)
    values = {
        "id": node,
        "key_file": key_file,
        "control_public_key": ControlKey.from_pem(control_pem).public,
        "control_urls": "http://127.0.0.1:9",
        "port": 0,
        "backend": backend,
        "media_address": "127.0.0.1",
        "rtp_ports": json.dumps((first_port, first_port + 199)),
        "run_dir": folder,
        "state_dir": folder / "state",
        "log_format": "json",
    } | settings
    environment = {f"NEXUSVIBE_NODE_{name.upper()}": str(value) for name, value in values.items()}
    return environment | python_path(folder)


def python_path(folder: Path) -> dict[str, str]:
    """With which an agent finds `recorder` among the installed adapters."""
    return {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(backends_site(folder))])}


def backends_site(folder: Path) -> Path:
    """A folder from which the agent can load `recorder` as if it were an installed adapter."""
    site = folder / "site"
    metadata = site / "test_backends-1.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: test-backends\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(
        "[nexusvibe.media_adapters]\nrecorder = tests.support.recorder:RecorderBackend\n"
    )
    return site


async def _ends(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        raise AssertionError(f"the agent did not end within {PATIENCE:g} s of SIGTERM") from None


@asynccontextmanager
async def running_agent(
    backend: str = "janus", *, node: str = "n_test", control_pem: str | None = None, **settings: Any
) -> AsyncIterator[AgentProcess]:
    """A ready agent process with its SFU, on free ports in a temporary folder, all gone afterwards.

    `settings` are those of `AgentSettings`, such as `control_urls`, `room_lease`, `region`, `capacity`.
    """
    pem = control_pem or new_control_key()
    with agent_folder() as folder:
        environment = agent_environment(folder, backend=backend, node=node, control_pem=pem, **settings)
        process, logs = await start_agent(environment, folder)
        try:
            port = (await logs.wait_for("agent_listening"))["port"]
            await logs.wait_for("sfu_ready")
            node_key = public_text(private_key((folder / "node.pem").read_bytes()))
            url = f"ws://127.0.0.1:{port}{PATH}"
            yield AgentProcess(NodeId(node), url, node_key, pem, process, folder, logs)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                await _ends(process)
            await logs.ended()
