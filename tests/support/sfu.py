"""What Janus itself says of a node of `running_system`: how much it received, and what it still holds."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from media_adapters.janus.home import Access

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


class Pauses:
    """Samples what Janus receives, until it is asked for the longest pause."""

    def __init__(self, janus: Janus) -> None:
        self._janus = janus
        self._samples: list[tuple[float, dict[int, int]]] = []
        self._enough = False
        self._task = asyncio.create_task(self._sample())

    async def longest(self) -> float:
        """Seconds for which the counter of some handle that was there all the time did not grow, at most."""
        self._enough = True
        await self._task
        everywhere = set.intersection(*(set(counters) for _, counters in self._samples))
        assert everywhere, "no handle received media all the time"
        return max(self._longest_of(handle) for handle in everywhere)

    def _longest_of(self, handle: int) -> float:
        grown = [self._samples[0][0]]
        grown += [at for (_, was), (at, now) in pairwise(self._samples) if now[handle] > was[handle]]
        return max(later - earlier for earlier, later in pairwise([*grown, self._samples[-1][0]]))

    async def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._enough:
            self._samples.append((loop.time(), await self._janus.received()))
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
