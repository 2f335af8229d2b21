"""How often a key may ask.

Counted in this replica's memory, not in Redis: the limit protects the replica and its database, which is what each
replica has for itself; asking Redis would cost every request a round trip and stop tokens from being minted while Redis
is away. Behind N replicas a key gets up to N times as much.
"""

import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from control_plane.errors import RateLimited


class KeyLimits:
    def __init__(self, per_minute: int, who: str = "key") -> None:
        self._who = who
        self._item = RateLimitItemPerMinute(per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def count(self, key: str) -> None:
        """Raises `RateLimited`."""
        if await self._limiter.hit(self._item, key):
            return
        window = await self._limiter.get_window_stats(self._item, key)
        wait_ms = max(1000, int((window.reset_time - time.time()) * 1000))
        raise RateLimited(f"This {self._who} may ask {self._item.amount} times a minute.", retry_after_ms=wait_ms)
