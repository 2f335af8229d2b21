"""Which TURN servers answer. Each is probed over each of its transports, one after another, by every replica."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Self

import structlog

from control_plane.turn.credentials import TurnCredential
from control_plane.turn.models import TurnServer, TurnTransport
from control_plane.turn.policy import Usable
from control_plane.turn.probe import probe

log = structlog.get_logger()

INTERVAL_S = 10.0
FAILURES = 2
"""In a row, before a transport is taken for dead: one lost packet is no evidence."""

Probe = Callable[[TurnServer, TurnTransport, TurnCredential], Awaitable[str | None]]


class TurnHealth:
    """What the probes found. A transport that was not probed yet counts as usable."""

    def __init__(self, servers: Sequence[TurnServer]) -> None:
        self._servers = servers
        self._failures: dict[tuple[str, TurnTransport], int] = {}

    @classmethod
    @asynccontextmanager
    async def watch(
        cls,
        servers: Sequence[TurnServer],
        credential: Callable[[], TurnCredential],
        *,
        probing: Probe = probe,
        interval: float = INTERVAL_S,
    ) -> AsyncIterator[Self]:
        """Probe every server each `interval` seconds until left."""
        health = cls(servers)
        loops = [asyncio.create_task(health._look_after(each, credential, probing, interval)) for each in servers]
        try:
            yield health
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    @property
    def usable(self) -> Usable:
        return {
            server.id: frozenset(
                transport for transport in server.transports if self._failures.get((server.id, transport), 0) < FAILURES
            )
            for server in self._servers
        }

    def observe(self, server: TurnServer, transport: TurnTransport, problem: str | None) -> None:
        """Take the outcome of one probe."""
        key = (server.id, transport)
        before = self._failures.get(key, 0)
        self._failures[key] = 0 if problem is None else before + 1
        if problem is not None and before + 1 == FAILURES:
            log.warning("turn_server_down", server=server.id, transport=transport.value, reason=problem)
        elif problem is None and before >= FAILURES:
            log.info("turn_server_up", server=server.id, transport=transport.value)

    async def _look_after(
        self, server: TurnServer, credential: Callable[[], TurnCredential], probing: Probe, interval: float
    ) -> None:
        while True:
            for transport in server.transports:
                self.observe(server, transport, await probing(server, transport, credential()))
            await asyncio.sleep(interval)
