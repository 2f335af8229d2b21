"""A private Janus for a test: temporary folder, free ports, loopback only. And its admin API, to count what is left."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from media_adapters.contract import MediaNode
from media_adapters.janus import JanusBackend
from media_adapters.janus.home import Access
from media_adapters.registry import BackendSettings


@dataclass
class Server:
    """A running Janus."""

    settings: BackendSettings
    process: asyncio.subprocess.Process
    argv: Sequence[str] = ()

    @property
    def access(self) -> Access:
        return Access.load(self.settings.run_dir)

    def node(self) -> AbstractAsyncContextManager[MediaNode]:
        """An adapter connected to it, as an async context manager."""
        return JanusBackend().connect(self.settings)

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def restart(self) -> None:
        """Another one in its place, with the configuration as it is on disk now."""
        await self.kill()
        self.process = await asyncio.create_subprocess_exec(*self.argv, stdout=asyncio.subprocess.DEVNULL)
        await _listening(self.access.port)

    async def freeze(self) -> None:
        """Stop every thread; when this returns nothing is answered any more."""
        self.process.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(5):
            while not self._frozen():  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(0.005)

    def _frozen(self) -> bool:
        states = [task.read_text().rpartition(")")[2].split()[0] for task in self._threads()]
        return all(state == "T" for state in states)

    def _threads(self) -> list[Path]:
        return list(Path(f"/proc/{self.process.pid}/task").glob("*/stat"))

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def admin(self, request: str, path: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request to the admin API."""
        async with connect(
            self.access.admin_url, subprotocols=[Subprotocol("janus-admin-protocol")], proxy=None
        ) as socket:
            body = {"janus": request, "transaction": "t", "admin_secret": self.access.admin_secret}
            await socket.send(json.dumps(body | (path or {})))
            reply: dict[str, Any] = json.loads(await socket.recv())
        assert reply["janus"] == "success", reply
        return reply

    async def handles(self) -> list[int]:
        """How many handles each session holds."""
        sessions = (await self.admin("list_sessions"))["sessions"]
        return [len((await self.admin("list_handles", {"session_id": one}))["handles"]) for one in sessions]


@asynccontextmanager
async def running_janus(rtp_ports: tuple[int, int] | None = None) -> AsyncIterator[Server]:
    """Janus 1.1 as the agent would run it. Killed at the end, frozen or not."""
    with tempfile.TemporaryDirectory(prefix="nexusvibe-janus-") as folder:
        settings = BackendSettings(
            run_dir=Path(folder), media_address="127.0.0.1", rtp_ports=rtp_ports or _media_ports()
        )
        described = JanusBackend().prepare(settings)
        process = await asyncio.create_subprocess_exec(
            *described.argv, env=os.environ | dict(described.env), stdout=asyncio.subprocess.DEVNULL
        )
        server = Server(settings, process, described.argv)
        try:
            await _listening(server.access.port)
            yield server
        finally:
            if server.process.returncode is None:
                await server.kill()


async def _listening(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return


def _media_ports() -> tuple[int, int]:
    """A range that other tests of this machine are unlikely to use. Janus skips ports that are taken."""
    start = 20000 + os.getpid() % 30 * 1000
    return start, start + 999
