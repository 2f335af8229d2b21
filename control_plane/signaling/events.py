"""What the server sends: results of requests, errors, and events."""

from typing import Annotated, Literal

from pydantic import Field

from control_plane.signaling.model import (
    ChatMessage,
    Epoch,
    IceServer,
    Message,
    Negotiation,
    Participant,
    Placement,
    Policy,
    RequestId,
    RoomSnapshot,
    Topic,
    TopicText,
    Track,
    Waiting,
)
from media_adapters.models import (
    IceCandidate,
    PeerConnectionRole,
    SessionDescription,
    SubscribedTrack,
)


class JoinedResult(Message):
    """`resume` is a single-use token, spent once the client has shown that it holds the next one.

    `lobby`: a moderator has to let this participant in first. Until `lobby.admitted` it may only `leave`.
    """

    type: Literal["joined"] = "joined"
    participant: Participant
    snapshot: RoomSnapshot
    placement: Placement
    lobby: bool = False
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
    lobby: bool = False
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


class ModeratorChanged(Event):
    """The last moderator has left for good, and the room's policy makes this participant one."""

    type: Literal["moderator.changed"] = "moderator.changed"
    participant: str


class RoomUpdated(Event):
    type: Literal["room.updated"] = "room.updated"
    policy: Policy


class LobbyWaiting(Event):
    """For moderators: somebody waits to be let in, or what is known of them has changed."""

    type: Literal["lobby.waiting"] = "lobby.waiting"
    waiting: Waiting


class LobbyLeft(Event):
    """For moderators: somebody does not wait any more. `admitted` is followed by `participant.joined`."""

    type: Literal["lobby.left"] = "lobby.left"
    participant: str
    reason: Literal["admitted", "denied", "left", "connection_lost", "replaced", "removed", "waited_too_long"]


class LobbyAdmitted(Event):
    """For who waited: you are in. `snapshot` and `placement` are as in `joined`."""

    type: Literal["lobby.admitted"] = "lobby.admitted"
    participant: Participant
    snapshot: RoomSnapshot
    placement: Placement


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


class TopicMessage(Event):
    """Somebody, maybe oneself, has sent a `message`."""

    type: Literal["message"] = "message"
    participant: str
    topic: Topic
    text: TopicText
    sent_at: int


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
    code: Literal[
        "replaced",
        "removed",
        "room_closed",
        "moved_on",
        "token_reused",
        "shutting_down",
        "lobby_denied",
        "lobby_timeout",
    ]
    message: str
    final: bool
