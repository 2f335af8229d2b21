"""A small client for Janus: one websocket, one session, many handles.

Janus's own pings stay off and ours are on: when both sides ping, libwebsockets answers with a wrong payload and the
connection dies. Neither requests nor errors ever show the API secret.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from media_adapters.errors import NodeGone, NodeTimeout
from media_adapters.janus.transactions import Message, Transactions

VIDEOROOM = "janus.plugin.videoroom"
SESSION_TIMEOUT = 25
"""Seconds without a request after which Janus drops the session and all its media."""

NO_SUCH_SESSION = 458
NO_SUCH_HANDLE = 459

log = structlog.get_logger()


class JanusError(Exception):
    """Janus or its plugin refused a request. `code` is Janus's; its own sentence may quote SDP and is left out."""

    def __init__(self, request: str, code: int) -> None:
        super().__init__(f"Janus answered {code} to {request!r}")
        self.request = request
        self.code = code


@dataclass(frozen=True)
class PluginReply:
    """What a plugin answered; `sdp` is its offer or answer, if it made one."""

    data: Mapping[str, Any]
    sdp: str | None

    @classmethod
    def of(cls, message: Message) -> "PluginReply":
        return cls(message.get("plugindata", {}).get("data", {}), message.get("jsep", {}).get("sdp"))


EventHandler = Callable[[Message], None]


class JanusClient:
    """One session on one websocket. Made by `open_client`.

    When the socket dies or Janus drops the session, pending and later requests raise `NodeGone` and `on_gone` is
    called once with the reason.
    """

    def __init__(self, socket: ClientConnection, api_secret: str, deadline: float) -> None:
        self._socket = socket
        self._api_secret = api_secret
        self._deadline = deadline
        self._transactions: Transactions[asyncio.Future[Message]] = Transactions()
        self._handles: dict[int, Handle] = {}
        self._session: int | None = None
        self.gone: str | None = None
        self.on_gone: Callable[[str], None] = lambda _reason: None

    async def info(self) -> Message:
        """Version and plugins of the server."""
        return await self.request({"janus": "info"})

    async def attach(self, on_event: EventHandler) -> "Handle":
        """A new VideoRoom handle. `on_event` gets whatever comes unasked, and replies nobody waits for any more."""
        reply = await self.request(self.of_session({"janus": "attach", "plugin": VIDEOROOM}))
        handle = Handle(self, reply["data"]["id"], on_event)
        self._handles[handle.id] = handle
        return handle

    async def request(self, body: Mapping[str, Any], *, plugin: bool = False) -> Message:
        """Send one request and wait for its reply. Raises `JanusError`, `NodeTimeout`, `NodeGone`."""
        if self.gone is not None:
            raise NodeGone(f"Janus is gone: {self.gone}")
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        transaction = self._transactions.begin(future, plugin=plugin)
        try:
            async with asyncio.timeout(self._deadline):
                await self._socket.send(json.dumps({**body, "transaction": transaction, "apisecret": self._api_secret}))
                message = await future
        except TimeoutError as error:
            raise NodeTimeout(f"Janus did not answer {body['janus']!r} within {self._deadline} s") from error
        except ConnectionClosed as error:
            raise NodeGone("Janus is gone: the connection closed") from error
        finally:
            self._transactions.forget(transaction)
        if message["janus"] == "error":
            raise JanusError(body["janus"], message["error"]["code"])
        return message

    def of_session(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**body, "session_id": self._session}

    async def detach(self, handle: "Handle") -> None:
        """End the handle's media and forget it. One that Janus does not know any more is a no-op."""
        self._handles.pop(handle.id, None)
        try:
            await handle.request({"janus": "detach"})
        except JanusError as error:
            if error.code not in (NO_SUCH_SESSION, NO_SUCH_HANDLE):
                raise

    async def start(self) -> None:
        self._session = (await self.request({"janus": "create"}))["data"]["id"]

    async def stop(self) -> None:
        """Drop the session, and with it every handle."""
        with suppress(JanusError, NodeGone, NodeTimeout):
            await self.request(self.of_session({"janus": "destroy"}))

    async def receive(self) -> None:
        """Read until the socket dies."""
        try:
            async for raw in self._socket:
                self._dispatch(raw)
        except ConnectionClosed:
            pass
        finally:
            self._die("the connection closed")

    async def keep_alive(self) -> None:
        """Tell Janus that this session has an owner, until one of the two is gone."""
        while self.gone is None:
            await asyncio.sleep(SESSION_TIMEOUT / 4)
            try:
                await self.request(self.of_session({"janus": "keepalive"}))
            except NodeTimeout:
                log.warning("janus_keepalive_late")
            except JanusError as error:
                self._die(f"keepalive was refused with {error.code}")
            except NodeGone:
                return

    def _dispatch(self, raw: str | bytes) -> None:
        try:
            message = json.loads(raw)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            log.warning("janus_sent_no_message")
            return
        future = self._transactions.settle(message)
        if future is not None:
            if not future.done():
                future.set_result(message)
        elif message.get("janus") == "ack":
            return  # of a plugin request that is not answered yet, or was before its ack came
        elif message.get("janus") == "timeout" and message.get("session_id") == self._session:
            self._die("Janus dropped the session: no keepalive reached it")
        else:
            self._deliver(message)

    def _deliver(self, message: Message) -> None:
        handle = self._handles.get(message.get("sender", 0))
        if handle is None:
            return
        try:
            handle.on_event(message)
        except Exception:  # one handle's fault must not deafen all the others on this socket
            log.exception("janus_event_handler_failed", event_type=message.get("janus"))

    def _die(self, reason: str) -> None:
        if self.gone is not None:
            return
        self.gone = reason
        for future in self._transactions.drain():
            if not future.done():
                future.set_exception(NodeGone(f"Janus is gone: {reason}"))
        self.on_gone(reason)


class Handle:
    """One handle of the VideoRoom plugin."""

    def __init__(self, client: JanusClient, handle_id: int, on_event: EventHandler) -> None:
        self.id = handle_id
        self.on_event = on_event
        self._client = client

    async def request(self, body: Mapping[str, Any], *, plugin: bool = False) -> Message:
        return await self._client.request(self._client.of_session({**body, "handle_id": self.id}), plugin=plugin)

    async def message(self, body: Mapping[str, Any], jsep: Mapping[str, str] | None = None) -> PluginReply:
        """Ask the plugin. Raises `JanusError` when it refuses."""
        request: dict[str, Any] = {"janus": "message", "body": body}
        if jsep is not None:
            request["jsep"] = jsep
        reply = PluginReply.of(await self.request(request, plugin=True))
        if "error_code" in reply.data:
            raise JanusError(body["request"], reply.data["error_code"])
        return reply

    async def trickle(self, candidate: Mapping[str, Any]) -> None:
        await self.request({"janus": "trickle", "candidate": candidate})

    async def detach(self) -> None:
        await self._client.detach(self)


@asynccontextmanager
async def open_client(
    url: str, api_secret: str, *, deadline: float = 10.0, ping_interval: float = 2.0, ping_timeout: float = 5.0
) -> AsyncIterator[JanusClient]:
    """Connect and create the session; leaving destroys it. All times in seconds.

    Raises `OSError` when nobody listens, `JanusError` when Janus refuses. A frozen Janus is noticed after
    `ping_interval + ping_timeout` at the latest.
    """
    async with connect(
        url,
        subprotocols=[Subprotocol("janus-protocol")],
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        close_timeout=1,  # the default of 10 s would delay the news of a death
        max_size=4 << 20,
        compression=None,
        proxy=None,
    ) as socket:
        client = JanusClient(socket, api_secret, deadline)
        receiver = asyncio.create_task(client.receive())
        keeper: asyncio.Task[None] | None = None
        try:
            await client.start()
            keeper = asyncio.create_task(client.keep_alive())
            yield client
            await client.stop()
        finally:
            tasks = [task for task in (keeper, receiver) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
