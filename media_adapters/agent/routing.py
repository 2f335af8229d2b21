"""Which replica hears of what. No I/O.

A participant's events go to the connection that commanded it last with the highest generation, and to no other. A
room's end goes to whoever opened or kept it and to everybody who owns a peer in it.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from media_adapters.models import ParticipantId, PeerRef, RoomRef

ConnectionT = TypeVar("ConnectionT", bound=Hashable)


@dataclass(slots=True)
class _Room(Generic[ConnectionT]):
    watchers: set[ConnectionT] = field(default_factory=set)
    owners: dict[ParticipantId, ConnectionT] = field(default_factory=dict)


class Routes(Generic[ConnectionT]):
    def __init__(self) -> None:
        self._rooms: dict[RoomRef, _Room[ConnectionT]] = {}

    def watch(self, room: RoomRef, connection: ConnectionT) -> None:
        self._rooms.setdefault(room, _Room()).watchers.add(connection)

    def claim(self, peer: PeerRef, connection: ConnectionT) -> None:
        """`connection` owns the peer's participant from now on, in every epoch."""
        self._rooms.setdefault(peer.room, _Room()).owners[peer.participant] = connection

    def owner(self, peer: PeerRef) -> ConnectionT | None:
        known = self._rooms.get(peer.room)
        return known.owners.get(peer.participant) if known else None

    def audience(self, room: RoomRef) -> set[ConnectionT]:
        known = self._rooms.get(room)
        return known.watchers | set(known.owners.values()) if known else set()

    def forget(self, room: RoomRef, participant: ParticipantId) -> None:
        if known := self._rooms.get(room):
            known.owners.pop(participant, None)

    def room_closed(self, room: RoomRef) -> None:
        self._rooms.pop(room, None)

    def all_closed(self) -> None:
        self._rooms.clear()

    def connection_lost(self, connection: ConnectionT) -> None:
        """Nobody is told in its place: who takes over adopts, and that gives the state."""
        for room, known in list(self._rooms.items()):
            known.watchers.discard(connection)
            for participant in [who for who, owner in known.owners.items() if owner is connection]:
                del known.owners[participant]
            if not known.watchers and not known.owners:
                del self._rooms[room]
