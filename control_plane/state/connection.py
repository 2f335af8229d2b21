"""One life of one connection to Redis: commands of one event-loop tick leave in one write."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import hiredis

from control_plane.state.address import Address
from control_plane.state.errors import from_reply, unavailable

Arg: TypeAlias = str | bytes | int | float
Reply: TypeAlias = Any
"""None, int, bytes, or a list of these. Only who wrote the command knows which, so the type says nothing."""

MAX_IN_FLIGHT = 10_000
"""Commands that may wait for their replies; more are refused, so that a slow Redis can't fill our memory."""

_NOTHING = object()
_QUIET_TICKS = 4


class Connection(asyncio.Protocol):
    """Pipelines commands and resolves their futures. Use `open_connection`.

    A Redis that says nothing for `timeout` seconds while commands wait is taken for dead, and the connection with it.
    """

    def __init__(self, timeout: float, on_push: Callable[[list[Reply]], None] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._tick_length = timeout / _QUIET_TICKS
        self._on_push = on_push
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._quiet_ticks = 0
        self.closed: asyncio.Future[None] = self._loop.create_future()

    def send(self, *command: Arg) -> asyncio.Future[Reply]:
        """Send within this tick. The future gets the raw reply, an error reply as a value.

        Raises `Unavailable` at once when the connection is gone or too many commands wait. A cancelled future keeps
        its place in the queue, so the replies of others stay theirs.
        """
        if self._transport is None or len(self._waiting) >= MAX_IN_FLIGHT:
            raise unavailable()
        future: asyncio.Future[Reply] = self._loop.create_future()
        self.post(*command)
        self._waiting.append(future)
        if self._watch is None:
            self._quiet_ticks = 0
            self._watch = self._loop.call_later(self._tick_length, self._tick)
        return future

    async def call(self, *command: Arg) -> Reply:
        """Send and wait. Raises `Unavailable`, `RedisReplyError`."""
        return checked(await self.send(*command))

    def post(self, *command: Arg) -> None:
        """Send a command that has no reply of its own, such as SUBSCRIBE in RESP3."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(hiredis.pack_command(command))  # type: ignore[arg-type] # its stub says a tuple of one

    def close(self) -> None:
        """Drop the connection; what waits gets `Unavailable`. Closing twice is a no-op."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._quiet_ticks = 0
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _NOTHING:
                self._take(reply)
        except hiredis.ProtocolError:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._outgoing.clear()
        if self._watch is not None:
            self._watch.cancel()
        for future in self._waiting:
            if not future.done():
                future.set_exception(unavailable())
        self._waiting.clear()
        if not self.closed.done():
            self.closed.set_result(None)

    def _take(self, reply: Reply) -> None:
        if isinstance(reply, hiredis.PushNotification):
            if self._on_push is not None:
                self._on_push(reply)
            return
        if not self._waiting:  # Redis says why it hangs up, as with too many clients
            return
        future = self._waiting.popleft()
        if not future.done():
            future.set_result(reply)
        if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("READONLY"):
            self.close()  # no master any more: the name may lead to the new one by now

    def _flush(self) -> None:
        if self._transport is not None and self._outgoing:
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def _tick(self) -> None:
        """Count ticks without a byte rather than compare times: a stall of our own loop then counts as one."""
        self._watch = None
        if not self._waiting:
            return
        self._quiet_ticks += 1
        if self._quiet_ticks >= _QUIET_TICKS:
            self.close()
        else:
            self._watch = self._loop.call_later(self._tick_length, self._tick)


def checked(reply: Reply) -> Reply:
    """The reply, or its error raised. Raises `Unavailable`, `RedisReplyError`."""
    if isinstance(reply, hiredis.ReplyError):
        raise from_reply(str(reply))
    return reply


async def open_connection(
    address: Address, timeout: float, on_push: Callable[[list[Reply]], None] | None = None
) -> Connection:
    """Connect, authenticate, select the database. With `on_push` speaks RESP3, which tells messages from replies.

    Raises `OSError` (`TimeoutError` after `timeout` seconds), `Unavailable`, `RedisReplyError` (a wrong password).
    """
    loop = asyncio.get_running_loop()

    def factory() -> Connection:
        return Connection(timeout, on_push)

    async with asyncio.timeout(timeout):
        if address.path is not None:
            _, connection = await loop.create_unix_connection(factory, address.path)
        else:
            _, connection = await loop.create_connection(factory, address.host, address.port, ssl=address.tls)
        try:
            await _enter(connection, address, resp3=on_push is not None)
        except BaseException:
            connection.close()
            raise
    return connection


async def _enter(connection: Connection, address: Address, *, resp3: bool) -> None:
    if address.password is not None:
        await connection.call("AUTH", address.username or "default", address.password)
    if resp3:
        await connection.call("HELLO", 3)
    if address.db:
        await connection.call("SELECT", address.db)
    await connection.call("PING")  # a Redis that still loads its data accepts connections and refuses commands
