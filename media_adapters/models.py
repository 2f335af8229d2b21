"""Values that cross the media contract. All are frozen; all serialise to JSON as they are.

Names follow W3C WebRTC 1.0 and the RFCs. SDP never leaves memory: these models are not to be logged or stored.
"""

from enum import StrEnum
from typing import Annotated, Literal, NewType

from pydantic import BaseModel, ConfigDict, Field

RoomId = NewType("RoomId", str)
ParticipantId = NewType("ParticipantId", str)
TrackId = NewType("TrackId", str)
NodeId = NewType("NodeId", str)
Incarnation = NewType("Incarnation", str)
TapId = NewType("TapId", str)

MAX_SDP_CHARS = 200_000
TRACK_ID_PATTERN = r"^[A-Za-z0-9_-]{8,64}$"

Mid = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_.~-]+$")]
Sdp = Annotated[str, Field(max_length=MAX_SDP_CHARS, repr=False)]


class Value(BaseModel):
    """Frozen, and deaf to fields it does not know, so that newer and older processes can talk."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RoomRef(Value):
    """One life of a room. A room made again under the same name has another incarnation."""

    room: RoomId
    incarnation: Incarnation


class PeerRef(Value):
    """One participant's presence on this node: its publisher and its subscriber connection.

    `epoch` is the participant's placement epoch: while a call moves, one participant may be here twice.
    """

    room: RoomRef
    participant: ParticipantId
    epoch: int


class PeerConnectionRole(StrEnum):
    """Which of a participant's two connections: it offers on `publisher`, the node offers on `subscriber`."""

    PUBLISHER = "publisher"
    SUBSCRIBER = "subscriber"


class TrackKind(StrEnum):
    AUDIO = "audio"
    VIDEO = "video"


class TrackSource(StrEnum):
    """What a track shows, after Screen Capture and Media Capture and Streams."""

    CAMERA = "camera"
    MICROPHONE = "microphone"
    SCREEN = "screen"
    SCREEN_AUDIO = "screen_audio"


class SimulcastLayer(StrEnum):
    """Spatial layer of a simulcast or SVC track. A track with one layer ignores the wish."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Capability(StrEnum):
    """What an adapter may declare. Calling what is not declared raises `Unsupported`; it is never ignored."""

    SIMULCAST = "simulcast"
    SERVER_MUTE = "server_mute"
    ICE_RESTART = "ice_restart"
    TAP = "tap"
    PLAY = "play"


class IceCandidate(Value):
    """RTCIceCandidateInit. `candidate` is the RFC 8839 §5.1 attribute without `a=`."""

    candidate: Annotated[str, Field(max_length=1024, repr=False)]
    sdp_mid: Annotated[str | None, Field(alias="sdpMid", max_length=32)] = None
    sdp_m_line_index: Annotated[int | None, Field(alias="sdpMLineIndex", ge=0, le=1024)] = None
    username_fragment: Annotated[str | None, Field(alias="usernameFragment", max_length=256, repr=False)] = None

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class PublishedTrack(Value):
    """One m-section of a publisher's offer. The id is the client's, kept when the call moves to another node."""

    id: Annotated[TrackId, Field(pattern=TRACK_ID_PATTERN)]
    mid: Mid
    kind: TrackKind
    source: TrackSource
    simulcast: bool = False


class PublisherOffer(Value):
    """The client's offer and what its sending m-sections carry.

    `negotiation` grows with each offer of a peer. `tracks` lists every track that the offer sends, not only new ones;
    a track that was there and is listed no more has ended.
    """

    negotiation: int
    sdp: Sdp
    tracks: tuple[PublishedTrack, ...]


class PublisherAnswer(Value):
    negotiation: int
    sdp: Sdp


class Subscription(Value):
    """A track that a peer wants, and the best layer that it has use for.

    `paused`: nothing of it is sent until that changes. Its m-section stays, so that it comes back without an offer.
    """

    track: TrackId
    layer: SimulcastLayer = SimulcastLayer.HIGH
    paused: bool = False


class SubscribedTrack(Value):
    """Which track an m-section carries to whoever receives it."""

    mid: Mid
    track: TrackId


class PlayerOffer(Value):
    """The offer of a client that only receives. `negotiation` grows with each offer of a peer."""

    negotiation: int
    sdp: Sdp


class PlayerAnswer(Value):
    """`tracks` are those for which the offer had room."""

    negotiation: int
    sdp: Sdp
    tracks: tuple[SubscribedTrack, ...]


class TapTarget(Value):
    """Where a copy of a track's RTP goes: a UDP port of this node's loopback. RTCP goes to `rtcp_port`, None for none.

    Whoever listens there binds its sockets first, so that nothing is lost. Adapters refuse one that is not `local`.
    """

    host: Annotated[str, Field(max_length=64)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]
    rtcp_port: Annotated[int | None, Field(ge=1, le=65535)] = None

    @property
    def local(self) -> bool:
        """A tap that left the node would carry media, unencrypted, past all who decide who may see them."""
        return self.host in ("127.0.0.1", "::1")


class RtpCodec(Value):
    """How a tapped stream is encoded, as `a=rtpmap` and `a=fmtp` say it (RFC 8866 §6.6, §6.15).

    `name` is as in SDP (`opus`, `VP8`). `channels` is None for video. `ssrc` is None when the SFU does not fix it.
    """

    name: str
    payload_type: Annotated[int, Field(ge=0, le=127)]
    clock_rate: int
    channels: int | None = None
    parameters: str = ""
    ssrc: int | None = None


class Tap(Value):
    """A running copy of a track. `sdp` describes it to a receiver such as ffmpeg (RFC 8866); it names loopback only."""

    id: TapId
    track: TrackId
    target: TapTarget
    codec: RtpCodec
    sdp: Sdp

    @classmethod
    def of(cls, tap: TapId, track: PublishedTrack, codec: RtpCodec, target: TapTarget) -> "Tap":
        """With the SDP written from the rest."""
        sdp = _tapped(track.kind, codec, target)
        return cls(id=tap, track=track.id, target=target, codec=codec, sdp=sdp)


def _tapped(kind: TrackKind, codec: RtpCodec, target: TapTarget) -> str:
    where = f"IN IP{6 if ':' in target.host else 4} {target.host}"
    channels = f"/{codec.channels}" if codec.channels else ""
    lines = [
        "v=0",
        f"o=- 0 0 {where}",
        "s=-",
        f"c={where}",
        "t=0 0",
        f"m={kind.value} {target.port} RTP/AVP {codec.payload_type}",
        f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}",
    ]
    if codec.parameters:
        lines.append(f"a=fmtp:{codec.payload_type} {codec.parameters}")
    if target.rtcp_port is not None:
        lines.append(f"a=rtcp:{target.rtcp_port}")
    return "".join(f"{line}\r\n" for line in lines)


class RoomSpec(Value):
    """What a room is like on the media side.

    `audio_codecs` and `video_codecs` are in order of preference, named as in SDP (`opus`, `VP8`, `H264`).
    `max_bitrate` is the ceiling for one publisher in bits/s.
    """

    audio_codecs: tuple[str, ...] = ("opus",)
    video_codecs: tuple[str, ...] = ("VP8", "H264")
    max_bitrate: int = 3_000_000


class ConnectionStatus(Value):
    """One peer connection as the SFU sees it. `negotiation` 0: nothing was negotiated yet.

    `pending`: the subscriber's offer of that number still waits for its answer.
    `connected`: ICE and DTLS are up. `receiving`: media arrived in the last 2 s (publisher only).
    """

    negotiation: int = 0
    pending: bool = False
    connected: bool = False
    receiving: bool = False


class PeerStatus(Value):
    """What the node holds of a peer. `tracks` are those it can forward now; `muted` those the server silenced."""

    peer: PeerRef
    publisher: ConnectionStatus = ConnectionStatus()
    subscriber: ConnectionStatus = ConnectionStatus()
    tracks: tuple[PublishedTrack, ...] = ()
    muted: frozenset[TrackId] = frozenset()


class NodeDescription(Value):
    """Who this node is. `warnings` are sentences for the operator, such as a version with a known fault."""

    backend: str
    version: str
    capabilities: frozenset[Capability]
    warnings: tuple[str, ...] = ()


class NodeLoad(Value):
    """What the node carries now. `streams` counts RTP streams in both directions, the unit of capacity.

    `cpu` is the share of the machine's cores that the SFU used since the last report, 0 to 1.
    """

    rooms: int = 0
    peers: int = 0
    streams: int = 0
    cpu: float = 0.0


class SessionDescription(Value):
    """RTCSessionDescriptionInit, as it travels between client and control plane."""

    type: Literal["offer", "answer"]
    sdp: Sdp
