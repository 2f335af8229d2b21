"""The rooms of this node: until when each may stay without hearing from its driver, and since when its peers are here.

No I/O. Times are seconds of a clock that goes on while the agent or the machine sleeps.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from media_adapters.models import ParticipantId, PeerRef, RoomRef

SETTLED_AFTER: Final = 5.0
"""Seconds after which a peer that the driver does not list is not a join still under way."""
_CLOSE_AGAIN_AFTER: Final = 1.0


@dataclass(slots=True)
class _Room:
    """`close_at` is the deadline, or later when an attempt to close the room after it failed."""

    deadline: float
    close_at: float
    peers: dict[PeerRef, float] = field(default_factory=dict)


class Rooms:
    def __init__(self, lease: float) -> None:
        """`lease`: seconds that a room stays after its driver was last heard."""
        self._lease = lease
        self._rooms: dict[RoomRef, _Room] = {}

    def opened(self, room: RoomRef, now: float) -> None:
        """Start the room's lease; only its driver renews one that runs."""
        until = now + self._lease
        self._rooms.setdefault(room, _Room(until, until))

    def renew(self, room: RoomRef, now: float) -> bool:
        """Whether the room is here; a room whose lease has lapsed is not."""
        if not self.is_open(room, now):
            return False
        known = self._rooms[room]
        known.deadline = known.close_at = now + self._lease
        return True

    def is_open(self, room: RoomRef, now: float) -> bool:
        return room in self._rooms and now < self._rooms[room].deadline

    def is_lapsed(self, room: RoomRef, now: float) -> bool:
        """Whether the room is still here although its time is over."""
        return room in self._rooms and now >= self._rooms[room].deadline

    def to_close(self, now: float) -> list[RoomRef]:
        """The rooms whose lease has lapsed. A room that could not be closed comes again a second later."""
        return [room for room, known in self._rooms.items() if now >= known.close_at]

    def could_not_close(self, room: RoomRef, now: float) -> None:
        if room in self._rooms:
            self._rooms[room].close_at = now + _CLOSE_AGAIN_AFTER

    def closed(self, room: RoomRef) -> None:
        """Forget the room and its peers."""
        self._rooms.pop(room, None)

    def all_closed(self) -> None:
        self._rooms.clear()

    def arrived(self, peer: PeerRef, now: float) -> None:
        """The peer is here, since `now` unless it was known."""
        if known := self._rooms.get(peer.room):
            known.peers.setdefault(peer, now)

    def left(self, peer: PeerRef) -> None:
        if known := self._rooms.get(peer.room):
            known.peers.pop(peer, None)

    def is_settled(self, peer: PeerRef, now: float) -> bool:
        """Whether the peer has been here for so long that the driver must know it."""
        self.arrived(peer, now)
        known = self._rooms.get(peer.room)
        return known is not None and known.peers[peer] + SETTLED_AFTER <= now

    def here(self) -> AbstractSet[RoomRef]:
        return self._rooms.keys()

    def participants(self) -> set[tuple[RoomRef, ParticipantId]]:
        return {(room, peer.participant) for room, known in self._rooms.items() for peer in known.peers}
