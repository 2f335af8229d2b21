"""A private mediasoup for a test: temporary folder, free ports, loopback only. And its census of what is left."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media_adapters.contract import MediaNode
from media_adapters.mediasoup import MediasoupBackend, home
from media_adapters.mediasoup.bridge_client import BridgeClient, open_bridge
from media_adapters.registry import BackendSettings


@dataclass(frozen=True)
class Server:
    """A running bridge with its workers. `inside` is a connection of the test's own, with no rooms."""

    settings: BackendSettings
    process: asyncio.subprocess.Process
    inside: BridgeClient

    def node(self) -> AbstractAsyncContextManager[MediaNode]:
        """An adapter connected to it, as an async context manager."""
        return MediasoupBackend().connect(self.settings)

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def freeze(self) -> None:
        """Stop every thread of the bridge; when this returns nothing is answered any more."""
        self.process.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(5):
            while not self._frozen():  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(0.005)

    def _frozen(self) -> bool:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/stat")
        return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def workers(self) -> list[Mapping[str, Any]]:
        """What each worker says it holds."""
        result: list[Mapping[str, Any]] = (await self.inside.request("dump"))["workers"]
        return result

    async def held(self) -> dict[str, int]:
        """The sums over all workers."""
        workers = await self.workers()
        kinds = ("routers", "transports", "producers", "consumers")
        return {kind: sum(worker[kind] for worker in workers) for kind in kinds}


@asynccontextmanager
async def running_mediasoup(**options: str) -> AsyncIterator[Server]:
    """mediasoup as the agent would run it, with two workers unless told otherwise. Killed at the end, frozen or not."""
    with tempfile.TemporaryDirectory(prefix="nexusvibe-mediasoup-") as folder:
        settings = BackendSettings(
            run_dir=Path(folder),
            media_address="127.0.0.1",
            rtp_ports=_media_ports(),
            options={"workers": "2", **options},
        )
        described = MediasoupBackend().prepare(settings)
        process = await asyncio.create_subprocess_exec(*described.argv, env=os.environ | dict(described.env))
        try:
            async with AsyncExitStack() as stack:
                yield Server(settings, process, await _patiently(stack, home.socket(settings.run_dir)))
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _patiently(stack: AsyncExitStack, socket: Path) -> BridgeClient:
    async with asyncio.timeout(30):
        while True:
            try:
                return await stack.enter_async_context(open_bridge(socket))
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0.02)


def _media_ports() -> tuple[int, int]:
    """A range that other tests of this machine are unlikely to use. Ports that are taken are skipped."""
    start = 20000 + os.getpid() % 30 * 1000
    return start, start + 999
