"""A private Janus for a test: temporary folder, free ports, loopback only. And its admin API, to count what is left."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from media_adapters.contract import MediaNode
from media_adapters.janus import JanusBackend
from media_adapters.janus.home import Access
from media_adapters.registry import BackendSettings


@dataclass(frozen=True)
class Server:
    """A running Janus."""

    settings: BackendSettings
    process: asyncio.subprocess.Process

    @property
    def access(self) -> Access:
        return Access.load(self.settings.run_dir)

    def node(self) -> Any:
        """An adapter connected to it, as an async context manager."""
        return JanusBackend().connect(self.settings)

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

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
        try:
            yield Server(settings, process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@asynccontextmanager
async def janus_node() -> AsyncIterator[tuple[Server, MediaNode]]:
    async with running_janus() as server, server.node() as node:
        yield server, node


def _media_ports() -> tuple[int, int]:
    """A range that other tests of this machine are unlikely to use. Janus skips ports that are taken."""
    start = 20000 + os.getpid() % 30 * 1000
    return start, start + 999
