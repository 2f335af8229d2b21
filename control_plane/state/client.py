"""The way to live state: commands, scripts and subscriptions, on one Redis or a cluster.

redis-py awaits each command on its own write and read, which costs more CPU than all else that a replica does; here
everything of one event-loop tick goes out in one write.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, Self

import structlog

from control_plane.errors import Unavailable
from control_plane.state.address import Address
from control_plane.state.cluster import Cluster
from control_plane.state.connection import Arg, Reply, open_connection
from control_plane.state.errors import RedisReplyError, RedisUnreachable
from control_plane.state.script import Script
from control_plane.state.single import Single
from control_plane.state.subscription import Subscription

log = structlog.get_logger()


class Topology(Protocol):
    """Where commands go: one server, or the masters of a cluster."""

    @property
    def connected(self) -> bool: ...
    async def start(self) -> None:
        """Wait for the first connections."""

    async def send(self, command: tuple[Arg, ...], key: Arg | None) -> Reply:
        """Raises `Unavailable`, `RedisReplyError`."""

    def subscribe_at(self) -> Address:
        """A server to subscribe at; after a loss maybe another."""

    async def close(self) -> None: ...


class Redis:
    """Live state. Every call raises `Unavailable` when Redis is away, at once if that is known already.

    `Unavailable` for a command that was sent means: unknown whether it acted. Every call is safe to cancel.
    """

    def __init__(self, address: Address, *, cluster: bool, timeout: float) -> None:
        """Use `connect`."""
        kind: type[Single | Cluster] = Cluster if cluster else Single
        self._timeout = timeout
        self._was_connected = False
        self._connected_listeners: list[Callable[[], None]] = []
        self._lost_listeners: list[Callable[[], None]] = []
        self._subscriptions: set[Subscription] = set()
        self._topology: Topology = kind(address, timeout, self._changed)

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, *, cluster: bool = False, timeout: float = 2.0) -> AsyncIterator[Self]:
        """Connect to the Redis at `url`; with `cluster`, to the cluster that it is a part of.

        `timeout` is in seconds, for connecting and for a Redis that falls silent. Raises `RedisUnreachable`.
        """
        address = await _examine(url, cluster=cluster, timeout=timeout)
        redis = cls(address, cluster=cluster, timeout=timeout)
        try:
            await redis._topology.start()
            yield redis
        finally:
            await asyncio.gather(*(subscription.close() for subscription in redis._subscriptions))
            await redis._topology.close()

    @property
    def connected(self) -> bool:
        """Whether Redis is there now; for a cluster, whether every master is."""
        return self._topology.connected

    def on_connected(self, listener: Callable[[], None]) -> None:
        """Call `listener` each time Redis has come back. It may be another Redis, or an empty one."""
        self._connected_listeners.append(listener)

    def on_lost(self, listener: Callable[[], None]) -> None:
        """Call `listener` each time Redis, or a master of the cluster, is lost."""
        self._lost_listeners.append(listener)

    async def execute(self, *command: Arg, key: Arg | None = None) -> Reply:
        """Run one command. In a cluster it goes where `key` lives, by default its first argument.

        Raises `Unavailable`, `RedisReplyError`.
        """
        if key is None and len(command) > 1:
            key = command[1]
        return await self._topology.send(command, key)

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Arg] = ()) -> Reply:
        """Run a script; it goes where its first key lives. A Redis that forgot the script is given its text.

        Raises `Unavailable`, `RedisReplyError`.
        """
        operands = (len(keys), *keys, *args)
        try:
            return await self._topology.send(("EVALSHA", script.sha1, *operands), keys[0])
        except RedisReplyError as error:
            if error.code != "NOSCRIPT":
                raise
        return await self._topology.send(("EVAL", script.text, *operands), keys[0])

    def subscribe(
        self, channel: str, on_message: Callable[[bytes], None], on_resubscribed: Callable[[], None]
    ) -> Subscription:
        """Listen to a channel over an own connection, until closed or until this Redis is left."""
        subscription = Subscription(channel, self._topology.subscribe_at, self._timeout, on_message, on_resubscribed)
        self._subscriptions.add(subscription)
        subscription.on_closed(lambda: self._subscriptions.discard(subscription))
        return subscription

    def _changed(self) -> None:
        connected = self.connected
        if connected == self._was_connected:
            return
        self._was_connected = connected
        if connected:
            log.info("redis_connected")
        else:
            log.warning("redis_lost")
        for listener in self._connected_listeners if connected else self._lost_listeners:
            try:
                listener()
            except Exception:  # a listener's fault must not end the reconnecting that it is told of
                log.exception("redis_listener_failed")


async def _examine(url: str, *, cluster: bool, timeout: float) -> Address:
    """Check that there is a Redis of the right kind. Raises `RedisUnreachable` with a sentence for the operator."""
    try:
        address = Address.parse(url)
    except ValueError as error:
        raise RedisUnreachable(f"NEXUSVIBE_REDIS_URL can't be read: {error}") from error
    try:
        is_cluster = await _is_cluster(address, timeout)
    except TimeoutError as error:
        raise RedisUnreachable(f"Redis at {address} does not answer. Is it overloaded or stopped?") from error
    except OSError as error:
        hint = "Start redis-server, or set NEXUSVIBE_REDIS_URL."
        raise RedisUnreachable(f"There is no Redis at {address} ({error.strerror or error}). {hint}") from error
    except RedisReplyError as error:
        raise RedisUnreachable(f"Redis at {address} refuses us: {error}. Check NEXUSVIBE_REDIS_URL.") from error
    except Unavailable as error:
        raise RedisUnreachable(f"Redis at {address} takes no commands now; it may still be loading.") from error
    if is_cluster != cluster:
        fact = "is part of a cluster" if is_cluster else "is not part of a cluster"
        raise RedisUnreachable(f"Redis at {address} {fact}. Set NEXUSVIBE_REDIS_CLUSTER={str(is_cluster).lower()}.")
    return address


async def _is_cluster(address: Address, timeout: float) -> bool:
    connection = await open_connection(address, timeout)
    try:
        return b"cluster_enabled:1" in await connection.call("INFO", "cluster")
    finally:
        connection.close()
        await connection.closed
