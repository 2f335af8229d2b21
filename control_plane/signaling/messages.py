"""Every message of protocol version 1. JSON Schema and the SDK's TypeScript types are generated from this module.

A message is one JSON object with a `type`. A client's message may carry an `id`; then it gets exactly one `reply` or
`error` with the same `id`. Without an `id` it gets nothing back unless it fails. Everything that the server sends
unasked carries `seq`, contiguous on this connection, and `version`, the room version that it reflects.
Times are milliseconds since the Unix epoch. Unknown fields are ignored, unknown types are an error.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from media_adapters.events import SubscribedTrack
from media_adapters.models import (
    TRACK_ID_PATTERN,
    IceCandidate,
    PeerConnectionRole,
    PublishedTrack,
    SessionDescription,
    SimulcastLayer,
    TrackKind,
    TrackSource,
)

SUBPROTOCOL = "nexusvibe.v1"

RequestId = Annotated[int, Field(ge=0, le=2**53 - 1)]
Epoch = Annotated[int, Field(ge=0, le=2**31)]
Negotiation = Annotated[int, Field(ge=0, le=2**31)]
TrackIdField = Annotated[str, Field(pattern=TRACK_ID_PATTERN)]
DisplayName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
ChatText = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


# ── What a room looks like to a participant ─────────────────────────────────────────────────────────────────────────


class Permissions(Message):
    """What somebody may do here. `publish` are the sources that they may send; without `subscribe` they receive
    nobody's media. Nobody else sees who is `hidden`.
    """

    publish: tuple[TrackSource, ...]
    subscribe: bool
    chat: bool
    moderate: bool
    hidden: bool


class Participant(Message):
    """Somebody in the room. `connected` is false while their signaling is away and their place is kept."""

    id: str
    identity: str
    name: str
    joined_at: int
    connected: bool = True
    permissions: Permissions


class Track(Message):
    """A published source. `muted` is the publisher's own doing, or the server's."""

    id: TrackIdField
    participant: str
    kind: TrackKind
    source: TrackSource
    muted: bool = False
    simulcast: bool = False


class ChatMessage(Message):
    """`id` is the sender's `nonce` when it gave one, so that a repeated request is said once."""

    id: str
    participant: str
    name: str
    text: str
    sent_at: int


class RoomSnapshot(Message):
    """The whole room as this participant may see it. It replaces everything that the client knew."""

    room: str
    incarnation: str
    version: int
    participants: tuple[Participant, ...]
    tracks: tuple[Track, ...]
    chat: tuple[ChatMessage, ...]


class IceServer(Message):
    """RTCIceServer."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: Annotated[str | None, Field(repr=False)] = None


class Placement(Message):
    """Where this participant's media lives. A larger epoch replaces a smaller one, make-before-break.

    `waiting`: nothing is negotiated. `p2p`, `sfu`: the client makes a publisher and answers on a subscriber.
    """

    epoch: Epoch
    topology: Literal["waiting", "p2p", "sfu"]
    simulcast: bool = True
    ice_servers: tuple[IceServer, ...] = ()
    ice_policy: Literal["all", "relay"] = "all"
    reason: Literal["joined", "moved", "node_lost", "promoted", "demoted"] = "joined"


# ── Client to server ────────────────────────────────────────────────────────────────────────────────────────────────


class Request(Message):
    id: RequestId | None = None


class Join(Request):
    """Enter a room. `name` is used when the token leaves the name open. Replied with `joined`."""

    type: Literal["join"]
    token: Annotated[str, Field(max_length=8192, repr=False)]
    name: DisplayName | None = None


class ConnectionState(Message):
    """One peer connection of a client that resumes, so that an interrupted negotiation can be completed."""

    epoch: Epoch
    pc: PeerConnectionRole
    negotiation: Negotiation
    signaling_state: Literal["stable", "have-local-offer", "have-remote-offer", "closed"]


class Resume(Request):
    """Take one's place again after the connection was lost, at any replica. Replied with `resumed`."""

    type: Literal["resume"]
    token: Annotated[str, Field(max_length=512, repr=False)]
    connections: Annotated[tuple[ConnectionState, ...], Field(max_length=8)] = ()


class Leave(Request):
    """Give one's place up. The server closes the connection after the reply."""

    type: Literal["leave"]


class Description(Request):
    """SDP from the client: its publisher's offer, or its answer to the subscriber's offer.

    `tracks` goes with an offer and lists everything that it sends, by m-section.
    """

    type: Literal["description"]
    epoch: Epoch
    pc: PeerConnectionRole
    negotiation: Negotiation
    description: SessionDescription
    tracks: Annotated[tuple[PublishedTrack, ...], Field(max_length=16)] = ()


class Candidate(Request):
    """A local candidate of the client; `null` ends them."""

    type: Literal["candidate"]
    epoch: Epoch
    pc: PeerConnectionRole
    negotiation: Negotiation
    candidate: IceCandidate | None


class Ready(Request):
    """All wanted media flows in this epoch: the old placement is not needed any more."""

    type: Literal["ready"]
    epoch: Epoch


class TrackUpdate(Request):
    """Change one of one's own tracks. Only what is given changes."""

    type: Literal["track.update"]
    track: TrackIdField
    muted: bool | None = None
    source: TrackSource | None = None


class WantedTrack(Message):
    """`layer` is the best that the client has use for. Of a `paused` track nothing is sent; it goes on without a new
    offer.
    """

    track: TrackIdField
    layer: SimulcastLayer = SimulcastLayer.HIGH
    paused: bool = False


class Subscribe(Request):
    """The whole set of tracks that the client wants to receive; `null` means every track in the room.

    With `others` those that are not listed are wanted too, in that layer; without it they are not.
    """

    type: Literal["subscribe"]
    tracks: Annotated[tuple[WantedTrack, ...], Field(max_length=500)] | None
    others: SimulcastLayer | None = None


class Chat(Request):
    """Say something to the room. Replied with the `ChatMessage`. The same `nonce` twice is said once."""

    type: Literal["chat"]
    text: ChatText
    nonce: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")] | None = None


class ChangePermissions(Request):
    """For moderators: what somebody may do from now on. Only what is given changes.

    Tracks of sources that they may not publish any more end at once. Everybody hears of it as `participant.updated`.
    """

    type: Literal["permissions"]
    participant: Annotated[str, Field(max_length=64)]
    publish: Annotated[tuple[TrackSource, ...] | None, Field(max_length=16)] = None
    subscribe: bool | None = None
    chat: bool | None = None
    moderate: bool | None = None


class Kick(Request):
    """For moderators: end somebody's stay. The tokens that they hold let nobody in any more, a newer one does.

    A guest's token is closed, also for others who were given the same.
    """

    type: Literal["kick"]
    participant: Annotated[str, Field(max_length=64)]
    reason: Annotated[str, Field(max_length=500)] = ""


class Ban(Request):
    """For moderators: end somebody's stay and keep their identity out, for `for_s` seconds or for good."""

    type: Literal["ban"]
    participant: Annotated[str, Field(max_length=64)]
    reason: Annotated[str, Field(max_length=500)] = ""
    for_s: Annotated[int | None, Field(ge=1, le=10 * 366 * 24 * 3600)] = None


class Ping(Request):
    """Ask for a sign of life."""

    type: Literal["ping"]


ClientMessage = Annotated[
    Join
    | Resume
    | Leave
    | Description
    | Candidate
    | Ready
    | TrackUpdate
    | Subscribe
    | Chat
    | ChangePermissions
    | Kick
    | Ban
    | Ping,
    Field(discriminator="type"),
]


# ── Server to client ────────────────────────────────────────────────────────────────────────────────────────────────


class JoinedResult(Message):
    """`resume` is a single-use token, spent once the client has shown that it holds the next one."""

    type: Literal["joined"] = "joined"
    participant: Participant
    snapshot: RoomSnapshot
    placement: Placement
    resume: Annotated[str, Field(repr=False)]


class RepairStep(Message):
    """What the client does about one connection after a resume.

    `repeat`: send the offer again with the same negotiation number. `restart`: make an ICE-restart offer.
    `none`: all is well, or the server does what is needed.
    """

    epoch: Epoch
    pc: PeerConnectionRole
    action: Literal["none", "repeat", "restart"]


class ResumedResult(Message):
    type: Literal["resumed"] = "resumed"
    participant: Participant
    snapshot: RoomSnapshot
    placement: Placement
    resume: Annotated[str, Field(repr=False)]
    repair: tuple[RepairStep, ...] = ()


class ChatResult(Message):
    type: Literal["chat"] = "chat"
    message: ChatMessage


class PongResult(Message):
    type: Literal["pong"] = "pong"


class DoneResult(Message):
    type: Literal["done"] = "done"


Result = Annotated[JoinedResult | ResumedResult | ChatResult | PongResult | DoneResult, Field(discriminator="type")]


class Reply(Message):
    type: Literal["reply"] = "reply"
    id: RequestId
    result: Result


class ErrorMessage(Message):
    """`code` is stable, `message` is for people. Without an `id` it is about a message that had none."""

    type: Literal["error"] = "error"
    id: RequestId | None = None
    code: str
    message: str
    retryable: bool = False
    retry_after_ms: int | None = None


class Event(Message):
    seq: int
    version: int


class SnapshotEvent(Event):
    """The server could not follow the room event by event; this replaces what the client knew."""

    type: Literal["snapshot"] = "snapshot"
    snapshot: RoomSnapshot


class ParticipantJoined(Event):
    type: Literal["participant.joined"] = "participant.joined"
    participant: Participant


class ParticipantUpdated(Event):
    type: Literal["participant.updated"] = "participant.updated"
    participant: Participant


class ParticipantLeft(Event):
    type: Literal["participant.left"] = "participant.left"
    participant: str
    reason: Literal["left", "connection_lost", "replaced", "removed"]


class TrackPublished(Event):
    type: Literal["track.published"] = "track.published"
    track: Track


class TrackUpdated(Event):
    type: Literal["track.updated"] = "track.updated"
    track: Track


class TrackEnded(Event):
    type: Literal["track.ended"] = "track.ended"
    track: str
    participant: str


class ChatEvent(Event):
    type: Literal["chat.message"] = "chat.message"
    message: ChatMessage


class PlacementEvent(Event):
    type: Literal["placement"] = "placement"
    placement: Placement


class PlacementClosed(Event):
    """The placement of this epoch may be dropped."""

    type: Literal["placement.closed"] = "placement.closed"
    epoch: Epoch


class DescriptionEvent(Event):
    """SDP for the client: the answer to its publisher's offer, or the subscriber's offer.

    `tracks` goes with an offer: the whole map from m-section to track.
    """

    type: Literal["description"] = "description"
    epoch: Epoch
    pc: PeerConnectionRole
    negotiation: Negotiation
    description: SessionDescription
    tracks: tuple[SubscribedTrack, ...] = ()


class CandidateEvent(Event):
    type: Literal["candidate"] = "candidate"
    epoch: Epoch
    pc: PeerConnectionRole
    negotiation: Negotiation
    candidate: IceCandidate | None


class RestartEvent(Event):
    """The offerer of `pc` makes an ICE-restart offer once its signaling is stable, with these servers."""

    type: Literal["restart"] = "restart"
    epoch: Epoch
    pc: PeerConnectionRole
    ice_servers: tuple[IceServer, ...] = ()


class SessionEnded(Event):
    """The server ends this connection and says why; it closes right after. No resume is possible when `final`."""

    type: Literal["session.ended"] = "session.ended"
    code: Literal["replaced", "removed", "room_closed", "moved_on", "token_reused", "shutting_down"]
    message: str
    final: bool


ServerMessage = Annotated[
    Reply
    | ErrorMessage
    | SnapshotEvent
    | ParticipantJoined
    | ParticipantUpdated
    | ParticipantLeft
    | TrackPublished
    | TrackUpdated
    | TrackEnded
    | ChatEvent
    | PlacementEvent
    | PlacementClosed
    | DescriptionEvent
    | CandidateEvent
    | RestartEvent
    | SessionEnded,
    Field(discriminator="type"),
]

CLIENT_MESSAGE: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)
SERVER_MESSAGE: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)


class CloseCode:
    """Websocket close codes (RFC 6455 §7.4.2, the private range). After those marked final a client must not resume."""

    GOING_AWAY = 1001  # the replica shuts down: resume at once, elsewhere
    PROTOCOL_ERROR = 4400  # final: the client does not speak this protocol
    NOT_JOINED = 4401  # final: no valid join or resume within the time allowed
    ENDED = 4403  # final: left, removed, replaced, or the room is closed
    SUPERSEDED = 4409  # final: the same participant goes on over another connection
    TOO_LARGE = 4413  # final
    TOO_FAST = 4429  # wait, then resume
    UNAVAILABLE = 4503  # resume with back-off

    FINAL = frozenset({PROTOCOL_ERROR, NOT_JOINED, ENDED, SUPERSEDED, TOO_LARGE})
