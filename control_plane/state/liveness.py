"""Which replicas are alive. A replica is only as alive as its inbox: it renews its row when its own ping comes back
through Redis to that inbox, so that one which runs but hears nothing goes stale like a dead one."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

import structlog

from control_plane.errors import Unavailable
from control_plane.ids import ReplicaId
from control_plane.state.client import Redis
from control_plane.state.errors import RedisReplyError
from control_plane.state.keys import REPLICAS_ALIVE, inbox
from control_plane.state.script import Script

log = structlog.get_logger()

_BEAT = Script.load(__package__, "beat.lua")
_ALIVE = Script.load(__package__, "alive.lua")
_PING = b"ping "
_INTERVAL = 1.0
_REMEMBERED_MS = 60_000


class Liveness:
    """Keeps this replica's row fresh, and tells who else is alive.

    The row is renewed only if the inbox is heard through `hearing`:
    `redis.subscribe(inbox(replica), liveness.hearing(on_message), on_resubscribed)`. `on_echo` is told how many seconds
    each ping took, from publishing to hearing it: what a message between replicas takes, by one clock.
    """

    def __init__(self, redis: Redis, replica: ReplicaId) -> None:
        """Use `start`."""
        self._redis = redis
        self._replica = replica
        self._heard = asyncio.Event()
        self._loops: tuple[asyncio.Task[None], ...] = ()
        self.on_echo: Callable[[float], None] = lambda _: None

    @classmethod
    @asynccontextmanager
    async def start(cls, redis: Redis, replica: ReplicaId) -> AsyncIterator[Self]:
        """Ping and renew each second. On leaving, the row goes at once if Redis is there."""
        liveness = cls(redis, replica)
        liveness._loops = (asyncio.create_task(liveness._ping()), asyncio.create_task(liveness._renew()))
        try:
            yield liveness
        finally:
            for loop in liveness._loops:
                loop.cancel()
            await asyncio.gather(*liveness._loops, return_exceptions=True)
            await liveness._leave()

    @property
    def running(self) -> bool:
        """False when a fault of ours has ended what `start` began."""
        return not any(loop.done() for loop in self._loops)

    def hearing(self, on_message: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """A callback for the inbox that takes our pings out and hands everything else on."""

        def hear(message: bytes) -> None:
            if message.startswith(_PING):
                self._heard.set()
                self.on_echo(time.monotonic() - float(message.removeprefix(_PING)))
            else:
                on_message(message)

        return hear

    async def alive(self, within_ms: int = 3000) -> set[ReplicaId]:
        """Replicas that proved themselves in that time. Raises `Unavailable`."""
        rows: list[bytes] = await self._redis.run(_ALIVE, [REPLICAS_ALIVE], [within_ms])
        return {ReplicaId(row.decode()) for row in rows}

    async def _ping(self) -> None:
        while True:
            try:
                await self._redis.execute("PUBLISH", inbox(self._replica), _PING + str(time.monotonic()).encode())
            except (Unavailable, RedisReplyError) as error:
                log.debug("liveness_ping_failed", error=type(error).__name__)
            await asyncio.sleep(_INTERVAL)

    async def _renew(self) -> None:
        while True:
            await self._heard.wait()
            self._heard.clear()
            try:
                await self._redis.run(_BEAT, [REPLICAS_ALIVE], [self._replica, _REMEMBERED_MS])
            except (Unavailable, RedisReplyError) as error:
                log.debug("liveness_renewal_failed", error=type(error).__name__)

    async def _leave(self) -> None:
        try:
            await self._redis.execute("ZREM", REPLICAS_ALIVE, self._replica)
        except Unavailable:
            log.debug("liveness_leave_failed")
