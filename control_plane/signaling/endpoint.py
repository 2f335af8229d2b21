"""The websocket shell around `Session`: reads frames, runs handlers, writes what comes out, and knows no rooms.

Requests of one connection are handled one after another, in the order in which they came: a candidate can't overtake
its description, and a handler never runs beside another of the same client. Reading goes on meanwhile, so that signs of
life are seen. Nothing waits for a slow client: what it can't take piles up to a bound, and past that its connection is
closed and it resumes.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aiohttp import WSMsgType, web

from control_plane.clock import Clock
from control_plane.errors import ControlPlaneError, Internal, NotAllowed, RateLimited
from control_plane.http.region import Locate, nowhere
from control_plane.ids import ConnectionId, new_id
from control_plane.signaling.messages import SUBPROTOCOL, CloseCode, Request, Result
from control_plane.signaling.session import Close, Dispatch, Limits, Send, Session
from control_plane.signaling.traffic import Traffic

log = structlog.get_logger()

Handler = Callable[[Any], Awaitable[Result | None]]
Handlers = Mapping[type[Request], Handler]

JOIN_DEADLINE_S = 10.0
HEARTBEAT_S = 15.0
MAX_BUFFERED_BYTES = 1 << 20
MAX_WAITING_REQUESTS = 256


class Connection:
    """One client's websocket, as handlers and rooms see it. `region` is where its address is, as far as known.

    Handlers change what it may ask by assigning `handlers`, and learn of its end through `on_closed`, which is awaited
    once, whatever ended it. `on_first_message` is awaited before the first request is handled after it was set.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        limits: Limits,
        traffic: Traffic,
        region: str | None = None,
    ) -> None:
        self.id = ConnectionId(new_id("c"))
        self.region = region
        self._socket = socket
        self._transport = transport
        self._session = Session(allowed=(), limits=limits, traffic=traffic)
        self._handlers: Handlers = {}
        self._requests: deque[Request] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._outbox: deque[str] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._held: list[str] | None = None
        self._closing: Close | None = None
        self.joined = False
        self.on_closed: Callable[[], Awaitable[None]] | None = None
        self.on_first_message: Callable[[], Awaitable[None]] | None = None

    @property
    def handlers(self) -> Handlers:
        return self._handlers

    @handlers.setter
    def handlers(self, handlers: Handlers) -> None:
        self._handlers = handlers
        self._session.allowed = handlers.keys()

    def send_event(self, body: str) -> None:
        """Send an event whose JSON was encoded once for all receivers. After the close it goes nowhere."""
        if self._held is not None:
            self._held.append(body)
        elif self._closing is None:
            self._write(self._session.event(body))

    def hold_events(self) -> None:
        """Keep events back until the request that is being handled has its reply: it comes first."""
        self._held = []

    def close(self, code: int, reason: str) -> None:
        """Close after what was sent before has gone out. The first call decides."""
        if self._closing is None:
            self._closing = Close(code, reason)
            self._wake_writer()

    def receive(self, text: str, now: float) -> None:
        for output in self._session.receive(text, now):
            match output:
                case Send(text=answer):
                    self._write(answer)
                case Close(code=code, reason=reason):
                    self.close(code, reason)
                case Dispatch(message=message):
                    self._enqueue(message)

    async def finish(self) -> None:
        """The socket is gone: what the client asked before it went is still done, such as a leave; then tell whoever
        listens. Of a client that was cut off, only the request that runs is finished."""
        if self._closing is not None:
            self._requests.clear()
        self._closing = self._closing or Close(CloseCode.GOING_AWAY, "gone")
        while tasks := [task for task in (self._worker, self._writer) if task]:
            await asyncio.wait(tasks)
        if self.on_closed is not None:
            await self.on_closed()

    def _enqueue(self, message: Request) -> None:
        if self._closing is not None:
            return
        if len(self._requests) >= MAX_WAITING_REQUESTS:
            self._write(self._session.error(message.id, RateLimited("Too many requests wait for their turn.")))
            return
        self._requests.append(message)
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._requests:
                await self._handle(self._requests.popleft())
        finally:
            self._worker = None

    async def _handle(self, message: Request) -> None:
        try:
            if self.on_first_message is not None:
                confirm, self.on_first_message = self.on_first_message, None
                await confirm()
            result = await self._handlers.get(type(message), _too_late)(message)
        except ControlPlaneError as error:
            self._write(self._session.error(message.id, error))
        except Exception as error:
            log.exception("handler_failed", request=type(message).__name__)
            sorry = Internal("Something went wrong on our side.")
            sorry.__cause__ = error
            self._write(self._session.error(message.id, sorry))
        else:
            reply = self._session.reply(message.id, result)
            if reply is not None:
                self._write(reply)
        self._release_events()

    def _release_events(self) -> None:
        held, self._held = self._held, None
        for body in held or ():
            self.send_event(body)

    def _write(self, text: str) -> None:
        self._outbox.append(text)
        self._wake_writer()

    def _wake_writer(self) -> None:
        """One short-lived task drains what gathered in a tick: no task waits for a connection that is silent."""
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._outbox:
                if self._backlog() > MAX_BUFFERED_BYTES:
                    self._outbox.clear()
                    self._closing = Close(CloseCode.UNAVAILABLE, "too slow to follow")
                    break
                await self._socket.send_str(self._outbox.popleft())
            if self._closing is not None:
                await self._socket.close(code=self._closing.code, message=self._closing.reason.encode())
        except (ConnectionError, RuntimeError):
            self._outbox.clear()  # the socket is gone; the reader notices and ends the connection
        finally:
            self._writer = None

    def _backlog(self) -> int:
        buffered = self._transport.get_write_buffer_size() if self._transport is not None else 0
        return buffered + sum(map(len, self._outbox))


async def _too_late(_: Request) -> None:
    """It was possible when it came, and is not after what was handled before it."""
    raise NotAllowed("This is not possible on this connection any more.")


class SignalingEndpoint:
    """Serves `/v1/signal`. `greet` gives a new connection its first handlers, `locate` tells where a caller is.
    `accepting` until `shut_down`."""

    def __init__(
        self,
        greet: Callable[[Connection], Handlers],
        clock: Clock,
        limits: Limits | None = None,
        locate: Locate = nowhere,
    ) -> None:
        self._greet = greet
        self._locate = locate
        self._clock = clock
        self._limits = limits or Limits()
        self._connections: set[Connection] = set()
        self.traffic = Traffic()
        self.accepting = True
        self._empty = asyncio.Event()
        self._empty.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if not self.accepting:
            raise web.HTTPServiceUnavailable(text="This replica is shutting down: connect to another.")
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), heartbeat=HEARTBEAT_S, max_msg_size=self._limits.frame * 4, compress=False
        )
        await socket.prepare(request)
        connection = Connection(socket, request.transport, self._limits, self.traffic, self._locate(request))
        if socket.ws_protocol != SUBPROTOCOL:
            await socket.close(code=CloseCode.PROTOCOL_ERROR, message=f"speak {SUBPROTOCOL}".encode())
            return socket
        connection.handlers = self._greet(connection)
        self._connections.add(connection)
        self.traffic.connections = len(self._connections)
        self._empty.clear()
        patience = asyncio.get_running_loop().call_later(JOIN_DEADLINE_S, self._expect_joined, connection)
        try:
            await self._read(socket, connection)
        finally:
            patience.cancel()
            await connection.finish()
            self._connections.discard(connection)
            self.traffic.connections = len(self._connections)
            if not self._connections:
                self._empty.set()
        return socket

    async def _read(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                connection.receive(message.data, self._clock.monotonic())
            elif message.type is WSMsgType.BINARY:
                connection.close(CloseCode.PROTOCOL_ERROR, "messages are text")

    @staticmethod
    def _expect_joined(connection: Connection) -> None:
        if not connection.joined:
            connection.close(CloseCode.NOT_JOINED, "no join or resume in time")

    async def shut_down(self, say_goodbye: str) -> None:
        """Tell every client to go on elsewhere, and wait for their connections to end."""
        self.accepting = False
        for connection in tuple(self._connections):
            connection.send_event(say_goodbye)
            connection.close(CloseCode.GOING_AWAY, "shutting down")
        await self._empty.wait()
