"""A participant without a browser: speaks the signaling protocol over a real websocket, as a client would."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Self

import aiohttp

from control_plane.signaling.messages import SERVER_MESSAGE, SUBPROTOCOL

PATIENCE = 10.0


class RequestFailed(Exception):
    """The server answered a request with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: str = error["code"]
        self.error = error


class Client:
    """`events` holds what came unasked and was not looked at yet, `received` all messages as they came. Every message
    is checked against the protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.joined: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.seqs: list[int] = []
        self.received: list[str] = []
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._ids = count(1)
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._arrived = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @property
    def id(self) -> str:
        return str(self.joined["participant"]["id"])

    @property
    def resume_token(self) -> str:
        return str(self.joined["resume"])

    async def join(
        self, token: str, name: str | None = None, device: str | None = None, region: str | None = None
    ) -> Self:
        self.joined = await self.asks("join", token=token, name=name, device=device, region=region)
        return self

    async def resume(self, token: str, connections: list[dict[str, Any]] | None = None) -> Self:
        self.joined = await self.asks("resume", token=token, connections=connections or [])
        return self

    async def asks(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a request and return its result. Raises `RequestFailed`, `ConnectionError` when the socket closes."""
        number = next(self._ids)
        future = self._pending[number] = asyncio.get_running_loop().create_future()
        await self.tells(kind, id=number, **fields)
        async with asyncio.timeout(PATIENCE):
            answer = await future
        if answer["type"] == "error":
            raise RequestFailed(answer)
        result: dict[str, Any] = answer["result"]
        return result

    async def tells(self, kind: str, **fields: Any) -> None:
        """Send a message without waiting for anything."""
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def hears(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next event of this kind whose fields match; it is taken out of `events`."""
        return await self.until(
            lambda event: event["type"] == kind and all(event.get(key) == value for key, value in fields.items())
        )

    async def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE) -> dict[str, Any]:
        """The next event that is wanted; it is taken out of `events`."""
        async with asyncio.timeout(seconds):
            while True:
                for event in self.events:
                    if wanted(event):
                        self.events.remove(event)
                        return event
                self._arrived.clear()
                await self._arrived.wait()

    async def is_closed(self) -> int:
        """The websocket's close code, once it is closed."""
        async with asyncio.timeout(PATIENCE):
            return await asyncio.shield(self.closed)

    async def drops(self) -> None:
        """Lose the connection without a word."""
        transport = self.socket._response.connection
        if transport is not None and transport.transport is not None:
            transport.transport.abort()
        await self.is_closed()

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._take(json.loads(message.data), message.data)
        self.closed.set_result(self.socket.close_code or 1006)
        for future in self._pending.values():
            if not future.done():
                future.set_exception(ConnectionError("the websocket closed"))
                future.exception()

    def _take(self, message: dict[str, Any], text: str) -> None:
        self.received.append(text)
        SERVER_MESSAGE.validate_json(text)
        if "seq" in message:
            self.seqs.append(message["seq"])
        if message["type"] in {"reply", "error"} and message.get("id") in self._pending:
            self._pending.pop(message["id"]).set_result(message)
        else:
            self.events.append(message)
            self._arrived.set()


@asynccontextmanager
async def connected(url: str, connector: aiohttp.BaseConnector | None = None, **headers: str) -> AsyncIterator[Client]:
    """A client on a fresh connection to the websocket at `url`. `headers` with _ for -."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(url, protocols=[SUBPROTOCOL], max_msg_size=1 << 22, headers=sent) as socket,
    ):
        client = Client(socket)
        try:
            yield client
        finally:
            await socket.close()
            await client._reader
