"""Keeps one connection to one Redis alive: connects anew with back-off for as long as it is not closed."""

import asyncio
import random
from collections.abc import Callable

import structlog

from control_plane.errors import Unavailable
from control_plane.state.address import Address
from control_plane.state.connection import Arg, Connection, Reply, open_connection
from control_plane.state.errors import RedisReplyError, unavailable

log = structlog.get_logger()

FIRST_DELAY, LONGEST_DELAY = 0.05, 1.0
CONNECT_ERRORS = (OSError, Unavailable, RedisReplyError)


class Backoff:
    """How long to wait before the next try, in seconds: doubles, with jitter, until a connection has held for 1 s."""

    def __init__(self) -> None:
        self._delay = FIRST_DELAY

    def next(self, lived: float) -> float:
        """`lived` is for how many seconds the last connection held; 0 when none came about."""
        if lived > LONGEST_DELAY:
            self._delay = FIRST_DELAY
        delay = self._delay
        self._delay = min(delay * 2, LONGEST_DELAY)
        return delay * random.uniform(0.75, 1.25)  # noqa: S311 - spreads reconnects, hides nothing


class Link:
    """A connection to `address` that comes back. `on_change` is told after each connect and each loss."""

    def __init__(self, address: Address, timeout: float, on_change: Callable[[], None]) -> None:
        self.address = address
        self._timeout = timeout
        self._on_change = on_change
        self._connection: Connection | None = None
        self._settled = asyncio.Event()
        self._task = asyncio.create_task(self._keep(), name=f"redis link {address}")

    @property
    def connected(self) -> bool:
        return self._connection is not None

    def send(self, *command: Arg) -> asyncio.Future[Reply]:
        """As `Connection.send`. Raises `Unavailable` at once when there is no connection now."""
        if self._connection is None:
            raise unavailable()
        return self._connection.send(*command)

    async def settled(self) -> None:
        """Wait for the outcome of the first try, good or bad."""
        await self._settled.wait()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            lived = 0.0
            try:
                connection = await open_connection(self.address, self._timeout)
            except CONNECT_ERRORS as error:
                log.debug("redis_connect_failed", error=type(error).__name__)
                self._settled.set()
            else:
                await self._hold(connection)
                lived = loop.time() - began
            await asyncio.sleep(backoff.next(lived))

    async def _hold(self, connection: Connection) -> None:
        self._connection = connection
        self._settled.set()
        self._on_change()
        try:
            await asyncio.shield(connection.closed)
        finally:
            self._connection = None
            connection.close()
            await connection.closed
        self._on_change()
