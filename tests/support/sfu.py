"""What the media server itself says of a node of `running_system`: how much it received, and what it still holds."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from media_adapters.janus.home import Access
from media_adapters.mediasoup import home
from media_adapters.mediasoup.bridge_client import BridgeClient, open_bridge

SAMPLE_S = 0.1


class Janus:
    """Its admin API."""

    def __init__(self, socket: ClientConnection, secret: str) -> None:
        self._socket = socket
        self._secret = secret

    async def received(self) -> dict[int, int]:
        """Bytes received so far, by handle, of every handle that receives any."""
        received = {}
        for session, handle in await self._handles():
            info = await self._ask("handle_info", session_id=session, handle_id=handle)
            total = _bytes_received(info.get("info", {}))
            if total:
                received[handle] = total
        return received

    async def media_handles(self) -> int:
        """How many handles have a peer connection."""
        infos = [
            await self._ask("handle_info", session_id=session, handle_id=handle)
            for session, handle in await self._handles()
        ]
        return sum(bool(info.get("info", {}).get("sdps")) for info in infos)

    async def has_no_media(self, seconds: float = 10.0) -> None:
        """Every peer connection is gone, at the latest after a while."""
        async with asyncio.timeout(seconds):
            while await self.media_handles():  # noqa: ASYNC110 - Janus tells nobody
                await asyncio.sleep(SAMPLE_S)

    async def handles(self) -> int:
        """How many handles all sessions hold."""
        return len(await self._handles())

    async def _handles(self) -> list[tuple[int, int]]:
        sessions = (await self._ask("list_sessions"))["sessions"]
        return [
            (session, handle)
            for session in sessions
            for handle in (await self._ask("list_handles", session_id=session)).get("handles", [])
        ]

    async def _ask(self, request: str, **fields: Any) -> dict[str, Any]:
        body = {"janus": request, "transaction": "t", "admin_secret": self._secret, **fields}
        await self._socket.send(json.dumps(body))
        reply: dict[str, Any] = json.loads(await self._socket.recv())
        return reply


class Mediasoup:
    """Its bridge's census."""

    def __init__(self, bridge: BridgeClient) -> None:
        self._bridge = bridge

    async def received(self) -> dict[str, int]:
        """Bytes received so far, by producer."""
        return {producer: count for worker in await self._workers() for producer, count in worker["received"].items()}

    async def has_no_media(self, seconds: float = 10.0) -> None:
        """Every transport is gone, at the latest after a while."""
        async with asyncio.timeout(seconds):
            while sum(worker["transports"] for worker in await self._workers()):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(SAMPLE_S)

    async def _workers(self) -> list[Mapping[str, Any]]:
        workers: list[Mapping[str, Any]] = (await self._bridge.request("dump"))["workers"]
        return workers


class Insight(Protocol):
    """What a fault test wants to know of any media server, behind everybody's back."""

    async def received(self) -> Mapping[Any, int]:
        """Bytes received so far, by whatever the media server receives on."""

    async def has_no_media(self, seconds: float = 10.0) -> None:
        """Return once it holds no media of anybody. Raises `TimeoutError`."""


def inside(backend: str, node_folder: Path) -> AbstractAsyncContextManager[Insight]:
    """The media server that the agent with this run folder has started."""
    look: dict[str, Callable[[Path], AbstractAsyncContextManager[Insight]]] = {
        "janus": janus_of,
        "mediasoup": mediasoup_of,
    }
    return look[backend](node_folder)


@asynccontextmanager
async def mediasoup_of(node_folder: Path) -> AsyncIterator[Mediasoup]:
    async with open_bridge(home.socket(node_folder / "sfu")) as bridge:
        yield Mediasoup(bridge)


class Pauses:
    """Samples what a media server receives, until it is asked for the longest pause."""

    def __init__(self, server: Insight) -> None:
        self._server = server
        self._samples: list[tuple[float, Mapping[Any, int]]] = []
        self._enough = False
        self._task = asyncio.create_task(self._sample())

    async def longest(self) -> float:
        """Seconds for which the counter of some handle that was there all the time did not grow, at most."""
        self._enough = True
        await self._task
        everywhere = set.intersection(*(set(counters) for _, counters in self._samples))
        assert everywhere, "no handle received media all the time"
        return max(self._longest_of(handle) for handle in everywhere)

    def _longest_of(self, handle: Any) -> float:
        grown = [self._samples[0][0]]
        grown += [at for (_, was), (at, now) in pairwise(self._samples) if now[handle] > was[handle]]
        return max(later - earlier for earlier, later in pairwise([*grown, self._samples[-1][0]]))

    async def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._enough:
            self._samples.append((loop.time(), await self._server.received()))
            await asyncio.sleep(SAMPLE_S)


@asynccontextmanager
async def janus_of(node_folder: Path) -> AsyncIterator[Janus]:
    """The Janus that the agent with this run folder has started."""
    access = Access.load(node_folder / "sfu")
    protocol = Subprotocol("janus-admin-protocol")
    async with connect(access.admin_url, subprotocols=[protocol], proxy=None, max_size=1 << 24) as socket:
        yield Janus(socket, access.admin_secret)


def _bytes_received(info: dict[str, Any]) -> int:
    """The sum over the media of a handle's peer connection."""
    media = info.get("webrtc", {}).get("media", [])
    streams = media.values() if isinstance(media, dict) else media
    return sum(int(stream.get("stats", {}).get("in", {}).get("bytes", 0)) for stream in streams)
