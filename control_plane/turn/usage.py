"""What rooms relayed, by day, in Redis: bytes by a keyed hash of the room's name, for as long as they may matter."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from control_plane.state import Redis, Script
from control_plane.state.keys import turn_usage
from control_plane.turn.reports import Batch

KEPT_DAYS = 35
"""So that a month can be looked at after it has ended."""
_KEPT_S = (KEPT_DAYS + 1) * 24 * 3600
_GB = 10**9

_COUNT = Script.load(__package__, "count.lua")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that relays received from people of a room, and sent to them; `day` in UTC."""

    day: str
    received: int
    sent: int

    def cost(self, price_per_gb: float) -> float:
        """Every byte leaves a relay once, towards the media node or towards a person, and is paid for there."""
        return (self.received + self.sent) / _GB * price_per_gb


class TurnUsage:
    """Every call raises `Unavailable` when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def count(self, run: str, batch: Batch, now: float) -> bool:
        """Add a batch of a relay's; any part of it that was counted before is not counted again. False when it is too
        old to be of interest."""
        if batch.day not in days(now + 24 * 3600, KEPT_DAYS + 1):
            return False
        await asyncio.gather(
            *(
                self._redis.run(
                    _COUNT,
                    [turn_usage(room.tag, batch.day)],
                    [run, batch.number, room.received, room.sent, _KEPT_S],
                )
                for room in batch.rooms
            )
        )
        return True

    async def of(self, tag: str, now: float, last: int = KEPT_DAYS) -> list[Traffic]:
        """The room's last days on which something was relayed, oldest first."""
        wanted = sorted(days(now, last))
        rows = await asyncio.gather(
            *(self._redis.execute("HMGET", turn_usage(tag, day), "received", "sent") for day in wanted)
        )
        return [
            Traffic(day, int(received), int(sent))
            for day, (received, sent) in zip(wanted, rows, strict=True)
            if received is not None
        ]


def today(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def days(now: float, last: int) -> frozenset[str]:
    """The day of `now` and those before it."""
    day = datetime.fromtimestamp(now, UTC).date()
    return frozenset((day - timedelta(days=back)).isoformat() for back in range(last))
