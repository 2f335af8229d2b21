"""Every message of protocol version 1. JSON Schema and the SDK's TypeScript types are generated from this module.

A message is one JSON object with a `type`. A client's message may carry an `id`; then it gets exactly one `reply` or
`error` with the same `id`. Without an `id` it gets nothing back unless it fails. Everything that the server sends
unasked carries `seq`, contiguous on this connection, and `version`, the room version that it reflects.
Times are milliseconds since the Unix epoch. Unknown fields are ignored, unknown types are an error.
"""

from typing import Annotated

from pydantic import Field, TypeAdapter

from control_plane.signaling.events import (
    CandidateEvent,
    ChatEvent,
    ChatResult,
    DescriptionEvent,
    DoneResult,
    ErrorMessage,
    Event,
    JoinedResult,
    LobbyAdmitted,
    LobbyLeft,
    LobbyWaiting,
    ModeratorChanged,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantUpdated,
    PlacementClosed,
    PlacementEvent,
    PongResult,
    RepairStep,
    Reply,
    RestartEvent,
    Result,
    ResumedResult,
    RoomUpdated,
    SessionEnded,
    SnapshotEvent,
    TopicMessage,
    TrackEnded,
    TrackPublished,
    TrackUpdated,
)
from control_plane.signaling.model import (
    ChatMessage,
    ChatText,
    Epoch,
    GivenName,
    IceServer,
    Message,
    Negotiation,
    Participant,
    ParticipantIdField,
    Permissions,
    Placement,
    Policy,
    RequestId,
    RoomSnapshot,
    Track,
    TrackIdField,
    Waiting,
)
from control_plane.signaling.requests import (
    AdmitFromLobby,
    Ban,
    Candidate,
    ChangeAttributes,
    ChangePermissions,
    Chat,
    ConnectionState,
    DenyFromLobby,
    Description,
    Join,
    Kick,
    Leave,
    Lock,
    MuteParticipant,
    Ping,
    RaiseHand,
    Ready,
    Request,
    Restart,
    Resume,
    SendMessage,
    Subscribe,
    TrackUpdate,
    WantedTrack,
)

__all__ = [
    "CLIENT_MESSAGE",
    "SERVER_MESSAGE",
    "SUBPROTOCOL",
    "AdmitFromLobby",
    "Ban",
    "Candidate",
    "CandidateEvent",
    "ChangeAttributes",
    "ChangePermissions",
    "Chat",
    "ChatEvent",
    "ChatMessage",
    "ChatResult",
    "ChatText",
    "ClientMessage",
    "CloseCode",
    "ConnectionState",
    "DenyFromLobby",
    "Description",
    "DescriptionEvent",
    "DoneResult",
    "Epoch",
    "ErrorMessage",
    "Event",
    "GivenName",
    "IceServer",
    "Join",
    "JoinedResult",
    "Kick",
    "Leave",
    "LobbyAdmitted",
    "LobbyLeft",
    "LobbyWaiting",
    "Lock",
    "Message",
    "ModeratorChanged",
    "MuteParticipant",
    "Negotiation",
    "Participant",
    "ParticipantIdField",
    "ParticipantJoined",
    "ParticipantLeft",
    "ParticipantUpdated",
    "Permissions",
    "Ping",
    "Placement",
    "PlacementClosed",
    "PlacementEvent",
    "Policy",
    "PongResult",
    "RaiseHand",
    "Ready",
    "RepairStep",
    "Reply",
    "Request",
    "RequestId",
    "Restart",
    "RestartEvent",
    "Result",
    "Resume",
    "ResumedResult",
    "RoomSnapshot",
    "RoomUpdated",
    "SendMessage",
    "ServerMessage",
    "SessionEnded",
    "SnapshotEvent",
    "Subscribe",
    "TopicMessage",
    "Track",
    "TrackEnded",
    "TrackIdField",
    "TrackPublished",
    "TrackUpdate",
    "TrackUpdated",
    "Waiting",
    "WantedTrack",
]

SUBPROTOCOL = "nexusvibe.v1"

ClientMessage = Annotated[
    Join
    | Resume
    | Leave
    | Description
    | Candidate
    | Restart
    | Ready
    | TrackUpdate
    | Subscribe
    | Chat
    | SendMessage
    | ChangePermissions
    | Kick
    | Ban
    | AdmitFromLobby
    | DenyFromLobby
    | Lock
    | MuteParticipant
    | RaiseHand
    | ChangeAttributes
    | Ping,
    Field(discriminator="type"),
]

ServerMessage = Annotated[
    Reply
    | ErrorMessage
    | SnapshotEvent
    | ParticipantJoined
    | ParticipantUpdated
    | ParticipantLeft
    | ModeratorChanged
    | RoomUpdated
    | LobbyWaiting
    | LobbyLeft
    | LobbyAdmitted
    | TrackPublished
    | TrackUpdated
    | TrackEnded
    | ChatEvent
    | TopicMessage
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
