"""People who join, stay and are told of each other, at either server. They live in the benchmark's own process: their
cost is nobody's."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp

from control_plane.signaling.messages import SUBPROTOCOL

PATIENCE_S = 300.0

Message = dict[str, Any]


@dataclass(frozen=True)
class Speech:
    """How a server is talked to: what is said to join, and what is read in a text: a message, None for other things."""

    path: str
    protocols: tuple[str, ...]
    join: Callable[[str], list[str]]
    read: Callable[[str], Message | None]
    say: Callable[[str], str]
    """A message to the room, from its fields as JSON."""
    talk: str
    """What is only in texts that bring such a message."""
    pong: tuple[str, str] | None = None
    leave: str | None = None


class Crowd:
    """Connections to servers of one kind, to each in turn. `took` says how long each join took, in ms, from opening the
    connection to the answer."""

    def __init__(self, servers: Sequence[str], speech: Speech, at_once: int) -> None:
        self._urls = [url + speech.path for url in servers]
        self.speech = speech
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []
        self.hear: Callable[[int, str], None] | None = None
        """Is told of everything that a connection receives once its room is complete: its number, and the text."""
        self.took: list[float] = []
        self._gate = asyncio.Semaphore(at_once)
        self._readers: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    async def join(self, tokens: list[str], people: int) -> float:
        """All come in; returns when each knows of as many `people`, itself included. Seconds that it took."""
        began = time.perf_counter()
        session = await self._stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        async with asyncio.timeout(PATIENCE_S):
            urls = itertools.cycle(self._urls)
            complete = await asyncio.gather(*(self._one(session, next(urls), token, people) for token in tokens))
            await asyncio.gather(*complete)
        return time.perf_counter() - began

    async def leave(self) -> None:
        if self.speech.leave is not None:
            await asyncio.gather(*(socket.send_str(self.speech.leave) for socket in self.sockets))
        await asyncio.gather(*(socket.close() for socket in self.sockets))
        await asyncio.gather(*self._readers)
        await self._stack.aclose()

    async def _one(self, session: aiohttp.ClientSession, url: str, token: str, people: int) -> asyncio.Future[None]:
        """Returns, once the join has its answer, what is done when everybody is known."""
        joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        async with self._gate:
            began = time.perf_counter()
            socket = await session.ws_connect(url, protocols=self.speech.protocols, compress=0)
            self.sockets.append(socket)
            number = len(self.sockets) - 1
            self._readers.append(asyncio.create_task(self._read(number, socket, joined, complete, people)))
            for text in self.speech.join(token):
                await socket.send_str(text)
            await joined
            self.took.append(1000 * (time.perf_counter() - began))
        return complete

    async def _read(
        self,
        number: int,
        socket: aiohttp.ClientWebSocketResponse,
        joined: asyncio.Future[None],
        complete: asyncio.Future[None],
        people: int,
    ) -> None:
        known: set[str] = set()
        async for frame in socket:
            if self.speech.pong is not None and frame.data == self.speech.pong[0]:
                await socket.send_str(self.speech.pong[1])
            if complete.done():
                if self.hear is not None:
                    self.hear(number, frame.data)
                continue
            message = self.speech.read(frame.data)
            if message is None:
                continue
            if "participants" in message:
                known.update(person["id"] for person in message["participants"])
                joined.set_result(None)
            else:
                known.add(message["participant"]["id"])
            if len(known) == people:
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
    say=lambda fields: '{"type":"message","id":2,' + fields[1:],
    talk='"type":"message"',
    leave=json.dumps({"type": "leave"}),
)
# Engine.IO 4 below Socket.IO 5: the token goes with the packet that connects to the namespace.
SOCKETIO = Speech(
    path="/socket.io/?EIO=4&transport=websocket",
    protocols=(),
    join=lambda token: ["40" + json.dumps({"token": token})],
    read=_read_socketio,
    say=lambda fields: f'42["message",{fields}]',
    talk='42["message"',
    pong=("2", "3"),
)
