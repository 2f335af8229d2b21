"""Who may still command what. No I/O: it remembers the highest fence and generation seen, and refuses older ones.

A room's driver carries the `fence` of its lease; a participant's connection carries its `generation`. Both grow when
somebody else takes over, so whoever was frozen, cut off or late is told `Superseded` and can change nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from media_adapters.errors import Superseded
from media_adapters.models import ParticipantId, PeerRef, RoomRef
from media_adapters.wire import Authority, BadRequest

MEMORY: Final = 3600.0
"""Seconds without a command after which a room or participant that is not here is forgotten."""


@dataclass(slots=True)
class _Participant:
    """`removed`: epochs whose peer the driver closed, with the generation that was the highest then."""

    seen: float
    generation: int = -1
    removed: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Room:
    seen: float
    fence: int = -1
    participants: dict[ParticipantId, _Participant] = field(default_factory=dict)


class Fencing:
    """All methods take `now` in seconds of a clock that only grows."""

    def __init__(self) -> None:
        self._rooms: dict[RoomRef, _Room] = {}

    def room(self, room: RoomRef, authority: Authority, now: float) -> None:
        """Allow a call on a room, or raise `Superseded`; `BadRequest` when it carries no fence."""
        if authority.fence is None:
            raise BadRequest("A call on a room needs the fence of its driver.")
        known = self._room(room, now)
        if authority.fence < known.fence:
            raise Superseded("Another driver has taken this room over.")
        known.fence = authority.fence

    def peer(self, peer: PeerRef, authority: Authority, now: float) -> None:
        """Allow a call on a peer, or raise `Superseded`; `BadRequest` when it carries no authority.

        A peer that the driver closed comes back only by its driver, a higher generation or another epoch.
        """
        if authority.generation is None:
            self.room(peer.room, authority, now)
            return
        known = self._participant(peer, now)
        if authority.generation < known.generation:
            raise Superseded("Another connection of this participant has taken over.")
        if authority.generation <= known.removed.get(peer.epoch, -1):
            raise Superseded("The driver of the room has removed this participant.")
        known.generation = authority.generation

    def removed(self, peer: PeerRef, now: float) -> None:
        """The driver closed this peer: commands of it that are still on their way must not bring it back."""
        known = self._participant(peer, now)
        known.removed[peer.epoch] = known.generation

    def forget(
        self, now: float, rooms: Collection[RoomRef], here: Collection[tuple[RoomRef, ParticipantId]]
    ) -> list[tuple[RoomRef, ParticipantId]]:
        """Drop what nobody can be late for any more, but nothing of `rooms` and participants that are `here`.

        Returns the participants that were dropped.
        """
        dropped = []
        for room, known in list(self._rooms.items()):
            for participant, presence in list(known.participants.items()):
                if presence.seen + MEMORY < now and (room, participant) not in here:
                    del known.participants[participant]
                    dropped.append((room, participant))
            if known.seen + MEMORY < now and room not in rooms and not known.participants:
                del self._rooms[room]
        return dropped

    def _room(self, room: RoomRef, now: float) -> _Room:
        known = self._rooms.setdefault(room, _Room(now))
        known.seen = now
        return known

    def _participant(self, peer: PeerRef, now: float) -> _Participant:
        known = self._room(peer.room, now).participants.setdefault(peer.participant, _Participant(now))
        known.seen = now
        return known
