"""What messages are made of: fields with their limits, and a room as a participant may see it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from control_plane.names import DisplayName
from media_adapters.models import (
    TRACK_ID_PATTERN,
    TrackKind,
    TrackSource,
)

RequestId = Annotated[int, Field(ge=0, le=2**53 - 1)]
Epoch = Annotated[int, Field(ge=0, le=2**31)]
Negotiation = Annotated[int, Field(ge=0, le=2**31)]
TrackIdField = Annotated[str, Field(pattern=TRACK_ID_PATTERN)]
ParticipantIdField = Annotated[str, Field(max_length=64)]
GivenName = Annotated[DisplayName, StringConstraints(strip_whitespace=True)]
ChatText = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
TopicText = Annotated[str, Field(max_length=4096)]


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Permissions(Message):
    """What somebody may do here. `publish` are the sources that they may send; without `subscribe` they receive
    nobody's media. Nobody else sees who is `hidden`. With `own_attributes` they may change their attributes.
    """

    publish: tuple[TrackSource, ...]
    subscribe: bool
    chat: bool
    moderate: bool
    hidden: bool
    own_attributes: bool


class Participant(Message):
    """Somebody in the room, since `joined_at`. `connected` is false while their signaling is away and their place is
    kept. `hand_raised_at` is when they raised their hand, if it is up; the first to raise it is the first in line.
    `attributes` are what the application says of them. `stopped` are the latest tracks of theirs that a moderator has
    ended, and which don't come back. `client` is `whip` for an encoder that publishes over HTTP (RFC 9725), which
    neither receives nor reads anything, and `whep` for a player over HTTP, which only receives.
    """

    id: str
    identity: str
    name: str
    joined_at: int
    connected: bool = True
    hand_raised_at: int | None = None
    attributes: dict[str, str] = {}
    stopped: tuple[str, ...] = ()
    permissions: Permissions
    client: Literal["app", "whip", "whep"] = "app"


class Waiting(Message):
    """Somebody in the lobby, since `since`."""

    id: str
    identity: str
    name: str
    since: int
    connected: bool = True
    attributes: dict[str, str] = {}


class Policy(Message):
    """How the room is run. `lobby`: who is no moderator waits to be let in. `locked`: nobody new gets in."""

    capacity: int
    lobby: bool
    locked: bool


class Track(Message):
    """A published source. `muted` is the publisher's own doing, or a moderator's; only the publisher unmutes it."""

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
    """The whole room as this participant may see it. It replaces everything that the client knew.

    Only moderators are shown who waits in the `lobby`. Who waits is shown neither people nor tracks nor chat.
    """

    room: str
    incarnation: str
    version: int
    policy: Policy
    participants: tuple[Participant, ...]
    lobby: tuple[Waiting, ...] = ()
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
