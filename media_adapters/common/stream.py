"""The adapter's events on their way to their one consumer."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import structlog

from media_adapters.events import MediaEvent

LIMIT = 10_000

log = structlog.get_logger()


class EventStream(AsyncIterator[MediaEvent]):
    """Events in order. A consumer that falls `LIMIT` behind loses the oldest; `adopt` and `peers` heal that."""

    def __init__(self) -> None:
        self._events: deque[MediaEvent] = deque(maxlen=LIMIT)
        self._changed = asyncio.Event()
        self._ended = False

    def put(self, event: MediaEvent) -> None:
        """Add an event; after `end` it is dropped."""
        if self._ended:
            return
        if len(self._events) == LIMIT:
            log.warning("media_events_overflowed", limit=LIMIT)
        self._events.append(event)
        self._changed.set()

    def end(self) -> None:
        """No more events: the consumer gets those that wait, then the end."""
        self._ended = True
        self._changed.set()

    async def __anext__(self) -> MediaEvent:
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._events.popleft()
