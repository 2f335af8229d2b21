"""The sending side of a connection: coalescing, and bounded."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

_BATCH: Final = 256 << 10
"""Bytes of one websocket message at most, a single larger frame excepted."""


class OutboxFull(Exception):
    """The other side reads more slowly than we have to say."""


class Outbox:
    """Frames on their way out. All that is put within one tick of the event loop leaves as one websocket message."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]], limit: int) -> None:
        self._send, self._limit = send, limit
        self._frames: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._ending = False

    def put(self, frame: bytes) -> None:
        """Raises `OutboxFull`."""
        if len(self._frames) >= self._limit:
            raise OutboxFull
        self._frames.append(frame)
        self._wake.set()

    def end(self) -> None:
        """Let `run` return once everything put so far was sent."""
        self._ending = True
        self._wake.set()

    async def run(self) -> None:
        """Send until `end`. The sender's errors, such as a lost connection, come out of here."""
        while self._frames or not self._ending:
            await self._wake.wait()
            self._wake.clear()
            while self._frames:
                await self._send(self._batch())

    def _batch(self) -> bytes:
        frames: list[bytes] = []
        size = 0
        while self._frames and (not frames or size + len(self._frames[0]) < _BATCH):
            frames.append(self._frames.popleft())
            size += len(frames[-1])
        return b"\n".join(frames)
