"""What one relay knows of itself: whose allocations live, whose must not, and what it has relayed but not yet told.

No I/O. Rooms and people are what the relay sees of them: `ROOM-PARTICIPANT`, keyed hashes.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from control_plane.turn.reports import Batch, RoomTraffic, is_opaque, room_of
from control_plane.turn.statistics import Closed, Heard, Opened, Relayed, Started

ROOMS_PER_BATCH = 500
ROOMS_KEPT = 20_000
"""Rooms whose traffic waits to be told, at most: beyond that a control plane that is away costs figures, not memory."""


@dataclass(slots=True)
class Ledger:
    _live: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _out: dict[str, float] = field(default_factory=dict)
    _untold: dict[str, tuple[int, int]] = field(default_factory=dict)
    _batches: int = 0

    def take(self, heard: Heard) -> frozenset[str]:
        """Note what coturn said. Sessions that are to end because of it: somebody who is out came back."""
        match heard:
            case Started():
                self._live.clear()
            case Opened(opaque, session):
                self._live[opaque].add(session)
                return frozenset({session} if opaque in self._out else ())
            case Closed(opaque, session):
                self._forget(opaque, session)
            case Relayed(opaque, received, sent):
                self._count(opaque, received, sent)
        return frozenset()

    def keep_out(self, people: Iterable[str], now: float, for_s: float) -> frozenset[str]:
        """These may relay nothing more, for as long as any credential of theirs may be valid. Sessions to end."""
        self._out = {opaque: until for opaque, until in self._out.items() if until > now}
        sessions: set[str] = set()
        for opaque in people:
            self._out[opaque] = now + for_s
            sessions |= self._live.get(opaque, set())
        return frozenset(sessions)

    @property
    def untold(self) -> bool:
        return bool(self._untold)

    def batch(self, day: str) -> Batch | None:
        """What is untold, to be told once under this number; None when there is nothing."""
        if not self._untold:
            return None
        told = list(self._untold)[:ROOMS_PER_BATCH]
        self._batches += 1
        rooms = tuple(RoomTraffic.of(tag, *self._untold.pop(tag)) for tag in told)
        return Batch(number=self._batches, day=day, rooms=rooms)

    def _count(self, opaque: str, received: int, sent: int) -> None:
        if not is_opaque(opaque):
            return  # a probe
        tag = room_of(opaque)
        if tag not in self._untold and len(self._untold) >= ROOMS_KEPT:
            return
        before = self._untold.get(tag, (0, 0))
        self._untold[tag] = before[0] + received, before[1] + sent

    def _forget(self, opaque: str, session: str) -> None:
        sessions = self._live.get(opaque)
        if sessions is not None:
            sessions.discard(session)
            if not sessions:
                del self._live[opaque]
