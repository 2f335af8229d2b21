"""The port: what every SFU can do for a call, in plain SDP. Implemented by each adapter in its process and by the
control plane's client of the node RPC; the same conformance suite proves both.

A participant has at most two peer connections on a node: it offers on the publisher, the node offers on the subscriber.
Every call may raise `NodeTimeout` or `NodeGone`; every call but `events` is safe to cancel and safe to repeat.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from media_adapters.events import MediaEvent
from media_adapters.models import (
    IceCandidate,
    NodeDescription,
    NodeLoad,
    PeerConnectionRole,
    PeerRef,
    PeerStatus,
    PlayerAnswer,
    PlayerOffer,
    PublisherAnswer,
    PublisherOffer,
    RoomRef,
    RoomSpec,
    Subscription,
    Tap,
    TapId,
    TapTarget,
    TrackId,
)


class MediaNode(Protocol):
    async def describe(self) -> NodeDescription:
        """Backend, version and capabilities. Constant while the SFU lives."""

    async def load(self) -> NodeLoad:
        """What the node carries now."""

    def events(self) -> AsyncIterator[MediaEvent]:
        """All events from now on, in order, ending after `SfuDied` or `close`. One consumer."""

    async def open_room(self, room: RoomRef, spec: RoomSpec) -> None:
        """Make the room. Opening an open room is a no-op, with another `spec` too."""

    async def close_room(self, room: RoomRef) -> None:
        """Close every peer in it and forget it. A room that is not there is a no-op."""

    async def publish(self, peer: PeerRef, offer: PublisherOffer) -> PublisherAnswer:
        """Answer the client's offer (RFC 8829 §5.3); the first offer creates the peer.

        Repeating the latest negotiation returns its answer again. Raises `RoomNotFound`, `InvalidDescription`,
        `StaleNegotiation` for a number below the latest, `Unsupported` for a simulcast track if that is not declared.
        """

    async def subscribe(self, peer: PeerRef, wanted: Sequence[Subscription]) -> None:
        """Make `wanted` the whole set that the peer receives; the first call creates the peer.

        Declarative: the node compares, and offers (`SubscriberOffered`) when m-sections must change; another layer,
        pausing and going on need no offer. A track not here yet is delivered once it starts; one that stops leaves by
        itself. What goes on begins with a key frame. Raises `RoomNotFound`.
        """

    async def answer(self, peer: PeerRef, negotiation: int, sdp: str) -> None:
        """The client's answer to the subscriber's offer. Repeating an answer already taken is a no-op.

        Raises `PeerNotFound`, `StaleNegotiation` when no such offer is pending, `InvalidDescription`.
        """

    async def play(self, peer: PeerRef, offer: PlayerOffer, wanted: Sequence[Subscription]) -> PlayerAnswer:
        """Answer the offer of a client that only receives and can't be offered anything, on the subscriber connection.

        The first offer creates the peer and decides what it gets, for good: of `wanted`, in that order, each track that
        is here and finds an m-section with a codec in common; a paused one gets none. The other m-sections are
        inactive. A later offer restarts ICE. Repeating the latest negotiation returns its answer again. Raises
        `RoomNotFound`, `InvalidDescription`, also for a peer that subscribes (and `subscribe` for one that plays),
        `StaleNegotiation`, `TrackNotFound` when nothing wanted can be sent. Needs `Capability.PLAY`.
        """

    async def add_candidate(self, peer: PeerRef, pc: PeerConnectionRole, candidate: IceCandidate | None) -> None:
        """A candidate of the client; `None` ends them (RFC 8838). Raises `PeerNotFound`."""

    async def restart_ice(self, peer: PeerRef) -> None:
        """Offer the subscriber anew with fresh ICE credentials (RFC 8445 §9). Raises `PeerNotFound`.

        The publisher is restarted by the client's next offer. Needs `Capability.ICE_RESTART`.
        """

    async def mute_track(self, peer: PeerRef, track: TrackId, muted: bool) -> None:
        """Stop or resume forwarding a published track. Raises `PeerNotFound`, `TrackNotFound`.

        Needs `Capability.SERVER_MUTE`.
        """

    async def tap(self, peer: PeerRef, track: TrackId, to: TapTarget) -> Tap:
        """Copy a published track's RTP, the best layer that arrives, to a process on this node, until `untap` or until
        the track stops. Tapping the same track to the same target again returns the running tap.

        Raises `PeerNotFound`, `TrackNotFound`, `InvalidDescription` for a target outside this node. Needs
        `Capability.TAP`.
        """

    async def untap(self, peer: PeerRef, tap: TapId) -> None:
        """Stop a tap. One that is not there, or whose peer is not, is a no-op. Needs `Capability.TAP`."""

    async def request_key_frame(self, peer: PeerRef, track: TrackId) -> None:
        """Ask the publisher of a video track for a key frame (RFC 4585 §6.3.1); audio is a no-op.

        Raises `PeerNotFound`, `TrackNotFound`. Needs `Capability.TAP`.
        """

    async def adopt(self, peer: PeerRef) -> PeerStatus:
        """A new owner takes the peer over: its state, and an unanswered subscriber offer once more as an event.

        Raises `PeerNotFound`.
        """

    async def peers(self, room: RoomRef) -> Sequence[PeerStatus]:
        """Every peer of the room. Raises `RoomNotFound`."""

    async def close_peer(self, peer: PeerRef) -> None:
        """End both connections and every track of the peer. A peer that is not there is a no-op."""

    async def close(self) -> None:
        """Release all that the adapter holds in the SFU. The SFU itself goes on."""
