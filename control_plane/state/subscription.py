"""Messages of one channel, over a connection of its own that comes back."""

import asyncio
from collections.abc import Callable

import structlog

from control_plane.errors import Unavailable
from control_plane.state.address import Address
from control_plane.state.connection import Connection, Reply, open_connection
from control_plane.state.errors import RedisReplyError
from control_plane.state.link import CONNECT_ERRORS, Backoff

log = structlog.get_logger()


class Subscription:
    """Calls `on_message` for each message, in order. Made by `Redis.subscribe`.

    Messages sent while the connection is away are lost; `on_resubscribed` says that this may have happened.
    Callbacks run on the event loop and must not block. One that raises is logged; the next message comes all the same.
    """

    def __init__(
        self,
        channel: str,
        where: Callable[[], Address],
        timeout: float,
        on_message: Callable[[bytes], None],
        on_resubscribed: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._where = where
        self._timeout = timeout
        self._on_message = on_message
        self._on_resubscribed = on_resubscribed
        self._ready = asyncio.Event()
        self.subscribed = False
        """Whether messages arrive now, as far as is known."""
        self._task = asyncio.create_task(self._keep(), name=f"redis subscription {channel}")

    async def ready(self) -> None:
        """Wait until subscribed for the first time: what is published from then on arrives."""
        await self._ready.wait()

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Call it soon after the subscription has ended."""
        self._task.add_done_callback(lambda _: callback())

    async def close(self) -> None:
        """No callback runs after this. Closing twice is a no-op."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            lived = 0.0
            try:
                connection = await open_connection(self._where(), self._timeout, self._take)
            except CONNECT_ERRORS as error:
                log.debug("redis_subscribe_failed", error=type(error).__name__)
            else:
                await self._hold(connection)
                lived = loop.time() - began
            await asyncio.sleep(backoff.next(lived))

    async def _hold(self, connection: Connection) -> None:
        try:
            await self._listen(connection)
        except Unavailable:
            pass  # lost: the next round connects anew
        except RedisReplyError as error:
            log.warning("redis_subscribe_refused", channel=self._channel, code=error.code)
        finally:
            self.subscribed = False
            connection.close()
            await connection.closed

    async def _listen(self, connection: Connection) -> None:
        connection.post("SUBSCRIBE", self._channel)
        await connection.call("PING")  # replies keep their order, so this one follows the subscription
        self.subscribed = True
        if self._ready.is_set():
            self._guarded(self._on_resubscribed)
        self._ready.set()
        while not connection.closed.done():
            await asyncio.wait({connection.closed}, timeout=self._timeout / 2)
            await connection.call("PING")  # a channel may be quiet for long: silence must not look like health

    def _take(self, push: list[Reply]) -> None:
        if push[0] == b"message" and not self._task.cancelling():
            self._guarded(lambda: self._on_message(push[2]))

    def _guarded(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:  # one bad message must not cost the others
            log.exception("redis_subscription_callback_failed", channel=self._channel)
