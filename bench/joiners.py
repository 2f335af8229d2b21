"""People who join, stay and are told of each other, at either server. They live in the benchmark's own process: their
cost is nobody's."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp

from control_plane.signaling.messages import SUBPROTOCOL

PATIENCE_S = 60.0

Message = dict[str, Any]


@dataclass(frozen=True)
class Speech:
    """How a server is talked to: what is said to join, and what is read in a text: a message, None for other things."""

    path: str
    protocols: tuple[str, ...]
    join: Callable[[str], list[str]]
    read: Callable[[str], Message | None]
    pong: tuple[str, str] | None = None
    leave: str | None = None


class Crowd:
    """Connections to one server."""

    def __init__(self, url: str, speech: Speech, at_once: int) -> None:
        self._url = url + speech.path
        self._speech = speech
        self._gate = asyncio.Semaphore(at_once)
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []
        self._readers: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    async def join(self, tokens: list[str], people: int) -> None:
        """All come in; returns when each knows of as many `people`, itself included."""
        session = await self._stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        async with asyncio.timeout(PATIENCE_S):
            complete = await asyncio.gather(*(self._one(session, token, people) for token in tokens))
            await asyncio.gather(*complete)

    async def leave(self) -> None:
        if self._speech.leave is not None:
            await asyncio.gather(*(socket.send_str(self._speech.leave) for socket in self._sockets))
        await asyncio.gather(*(socket.close() for socket in self._sockets))
        await asyncio.gather(*self._readers)
        await self._stack.aclose()

    async def _one(self, session: aiohttp.ClientSession, token: str, people: int) -> asyncio.Future[None]:
        """Returns, once the join has its answer, what is done when everybody is known."""
        joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        async with self._gate:
            socket = await session.ws_connect(self._url, protocols=self._speech.protocols, compress=0)
            self._sockets.append(socket)
            self._readers.append(asyncio.create_task(self._read(socket, joined, complete, people)))
            for text in self._speech.join(token):
                await socket.send_str(text)
            await joined
        return complete

    async def _read(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        joined: asyncio.Future[None],
        complete: asyncio.Future[None],
        people: int,
    ) -> None:
        known: set[str] = set()
        async for frame in socket:
            if self._speech.pong is not None and frame.data == self._speech.pong[0]:
                await socket.send_str(self._speech.pong[1])
            message = self._speech.read(frame.data)
            if message is None:
                continue
            if "participants" in message:
                known.update(person["id"] for person in message["participants"])
                joined.set_result(None)
            else:
                known.add(message["participant"]["id"])
            if len(known) == people and not complete.done():
                complete.set_result(None)


def _read_nexusvibe(text: str) -> Message | None:
    message: Message = json.loads(text)
    if message["type"] == "error":
        raise RuntimeError(f"a join was refused: {text}")
    if message["type"] == "reply":
        snapshot: Message = message["result"]["snapshot"]
        return snapshot
    return message if message["type"] == "participant.joined" else None


def _read_socketio(text: str) -> Message | None:
    if text.startswith("44"):
        raise RuntimeError(f"a join was refused: {text}")
    if not text.startswith("42"):
        return None
    name, message = json.loads(text[2:])
    return message if name in {"joined", "participant.joined"} else None


NEXUSVIBE = Speech(
    path="/v1/signal",
    protocols=(SUBPROTOCOL,),
    join=lambda token: [json.dumps({"type": "join", "id": 1, "token": token})],
    read=_read_nexusvibe,
    leave=json.dumps({"type": "leave"}),
)
# Engine.IO 4 below Socket.IO 5: the token goes with the packet that connects to the namespace.
SOCKETIO = Speech(
    path="/socket.io/?EIO=4&transport=websocket",
    protocols=(),
    join=lambda token: ["40" + json.dumps({"token": token})],
    read=_read_socketio,
    pong=("2", "3"),
)
