"""How punctual the event loop is: what runs too long in it keeps everybody waiting."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

INTERVAL_S = 0.5


@asynccontextmanager
async def watching(observe: Callable[[float], None], interval: float = INTERVAL_S) -> AsyncIterator[None]:
    """Tell `observe` twice a second how many seconds too late it was woken, until left."""
    task = asyncio.create_task(_watch(observe, interval), name="event loop lag")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(observe: Callable[[float], None], interval: float) -> None:
    while True:
        began = time.monotonic()
        await asyncio.sleep(interval)
        observe(max(time.monotonic() - began - interval, 0))
