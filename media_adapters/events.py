"""What a media node tells without being asked. Events of one peer arrive in the order in which they happened.

An event may be lost with the connection that carried it; `MediaNode.adopt` and `MediaNode.peers` give the state
that heals the loss.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from media_adapters.models import (
    IceCandidate,
    PeerConnectionRole,
    PeerRef,
    PublishedTrack,
    RoomRef,
    Sdp,
    SubscribedTrack,
    TrackId,
    Value,
)


class SubscriberOffered(Value):
    """The node offers. Exactly one offer of a peer is unanswered at a time.

    After `adopt` the unanswered offer comes again with the same `negotiation`. `tracks` is the whole map.
    """

    type: Literal["subscriber_offered"] = "subscriber_offered"
    peer: PeerRef
    negotiation: int
    sdp: Sdp
    tracks: tuple[SubscribedTrack, ...]


class CandidateGathered(Value):
    """A local candidate of the node; `None` ends the candidates. SFUs that put theirs into the SDP never send it."""

    type: Literal["candidate_gathered"] = "candidate_gathered"
    peer: PeerRef
    pc: PeerConnectionRole
    candidate: IceCandidate | None


class TrackStarted(Value):
    """The track can be subscribed to from now on."""

    type: Literal["track_started"] = "track_started"
    peer: PeerRef
    track: PublishedTrack


class TrackStopped(Value):
    """The track can't be subscribed to any more. Also sent for each track of a peer that closed."""

    type: Literal["track_stopped"] = "track_stopped"
    peer: PeerRef
    track: TrackId


class ConnectionChanged(Value):
    """ICE and DTLS of a connection came up or went down, or media began or ceased to arrive (publisher).

    `connected` false after it was true: the connection is over and only a peer of another epoch replaces it. What
    passes by itself, as a moment without ICE connectivity, is not told.
    """

    type: Literal["connection_changed"] = "connection_changed"
    peer: PeerRef
    pc: PeerConnectionRole
    connected: bool
    receiving: bool = False


class PeerClosed(Value):
    """The peer is gone from the node, for whatever reason but `close_peer` by the receiver itself."""

    type: Literal["peer_closed"] = "peer_closed"
    peer: PeerRef
    reason: str


class RoomClosed(Value):
    """The room is gone from the node with all its peers."""

    type: Literal["room_closed"] = "room_closed"
    room: RoomRef
    reason: str


class SfuDied(Value):
    """The SFU is dead and every room on it. The stream of events ends after this."""

    type: Literal["sfu_died"] = "sfu_died"
    reason: str


MediaEvent = Annotated[
    SubscriberOffered
    | CandidateGathered
    | TrackStarted
    | TrackStopped
    | ConnectionChanged
    | PeerClosed
    | RoomClosed
    | SfuDied,
    Field(discriminator="type"),
]
MEDIA_EVENT: TypeAdapter[MediaEvent] = TypeAdapter(MediaEvent)
