"""The time that all replicas and nodes agree on, whatever their own clocks say: that of Redis."""

from control_plane.clock import Clock
from control_plane.state import Redis
from control_plane.state.keys import NODE_REPORTS

ASKED_EVERY_S = 10.0


class RedisTime:
    """Asked now and then; between, the machine's monotonic clock goes on. Exact to a round trip."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._ms = 0.0
        self._at = float("-inf")

    async def now_ms(self) -> int:
        """Ms since the Unix epoch. Raises `Unavailable`."""
        if self._clock.monotonic() - self._at > ASKED_EVERY_S:
            seconds, micros = await self._redis.execute("TIME", key=NODE_REPORTS)
            self._ms, self._at = int(seconds) * 1000 + int(micros) / 1000, self._clock.monotonic()
        return int(self._ms + (self._clock.monotonic() - self._at) * 1000)
