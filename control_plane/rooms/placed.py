"""One member's media in one epoch, as the replica that holds the member knows them."""

from dataclasses import dataclass, field

from control_plane.ids import NodeId, TrackId
from control_plane.rooms.domain import Person, RoomState, Stand
from control_plane.rooms.negotiation import Negotiations
from media_adapters.models import PeerConnectionRole, PeerRef, PublishedTrack, Subscription


@dataclass(slots=True, eq=False)
class Placed:
    """`node` carries the media; None where no node does.

    `sending` is what the publisher carries there, of which the node was told to keep `silenced` to itself.
    `subscribed` is what the node was told that is wanted, None when that is not known.
    """

    peer: PeerRef
    topology: str
    node: NodeId | None
    negotiations: Negotiations = field(default_factory=Negotiations)
    subscribed: tuple[Subscription, ...] | None = ()
    sending: dict[TrackId, PublishedTrack] = field(default_factory=dict)
    silenced: frozenset[TrackId] = frozenset()
    connected: set[PeerConnectionRole] = field(default_factory=set)
    reconciling: bool = False
    silencing: bool = False

    @property
    def epoch(self) -> int:
        return self.peer.epoch

    @classmethod
    def at(cls, stand: Stand, person: Person, state: RoomState) -> "Placed":
        leg = state.legs.get(stand.leg)
        peer = PeerRef(room=state.ref(), participant=person.id, epoch=stand.epoch)
        return cls(peer, stand.topology, None if leg is None else leg.node)
