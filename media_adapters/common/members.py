"""Which rooms are open on a node, and which peers are in them."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from media_adapters.errors import PeerNotFound, RoomNotFound
from media_adapters.models import PeerRef, RoomRef


class Peer(Protocol):
    @property
    def ref(self) -> PeerRef: ...


Member = TypeVar("Member", bound=Peer)


class Members(Generic[Member]):
    """Refuses who is not here, in the contract's words."""

    def __init__(self) -> None:
        self._rooms: dict[RoomRef, dict[PeerRef, Member]] = {}

    @property
    def rooms(self) -> tuple[RoomRef, ...]:
        return tuple(self._rooms)

    def __iter__(self) -> Iterator[Member]:
        return iter([peer for room in self._rooms.values() for peer in room.values()])

    def __contains__(self, peer: Member) -> bool:
        """Whether it is this very peer that is here, not one of the same name that came later."""
        return self._rooms.get(peer.ref.room, {}).get(peer.ref) is peer

    def open(self, room: RoomRef) -> None:
        self._rooms.setdefault(room, {})

    def close(self, room: RoomRef) -> list[Member]:
        """Forget a room; those who were in it, for their connections to be ended. Nobody if it is not open."""
        return list(self._rooms.pop(room, {}).values())

    def join(self, peer: Member) -> Member:
        """The peer of this name that is here, or else this one from now on. Raises `RoomNotFound`."""
        return self._room(peer.ref.room).setdefault(peer.ref, peer)

    def leave(self, peer: Member) -> None:
        """One that is not here is a no-op."""
        if peer in self:
            del self._rooms[peer.ref.room][peer.ref]

    def find(self, peer: PeerRef) -> Member | None:
        return self._rooms.get(peer.room, {}).get(peer)

    def get(self, peer: PeerRef) -> Member:
        """Raises `PeerNotFound`."""
        if (found := self.find(peer)) is None:
            raise PeerNotFound("The participant is not on this node.")
        return found

    def inside(self, room: RoomRef) -> list[Member]:
        """Raises `RoomNotFound`."""
        return list(self._room(room).values())

    def _room(self, room: RoomRef) -> dict[PeerRef, Member]:
        if room not in self._rooms:
            raise RoomNotFound("The room is not on this node.")
        return self._rooms[room]
