"""What clients ask."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from control_plane.names import AttributeName, AttributeValue
from control_plane.signaling.model import (
    ChatText,
    Epoch,
    GivenName,
    Message,
    Negotiation,
    ParticipantIdField,
    RequestId,
    Topic,
    TopicText,
    TrackIdField,
)
from media_adapters.models import (
    IceCandidate,
    PeerConnectionRole,
    PublishedTrack,
    SessionDescription,
    SimulcastLayer,
    TrackSource,
)


class Request(Message):
    id: RequestId | None = None


class Join(Request):
    """Enter a room. `name` is used when the token leaves the name open. Replied with `joined`.

    `device` is random and the same at each join from there, so that a moderator can ban it. It may be left out.
    `region` is where the client is, in the operator's words: a room is made near the first who joins. Left out, it is
    guessed from the client's address if the operator has said how; one that does not exist is as good as any.
    """

    type: Literal["join"]
    token: Annotated[str, Field(max_length=8192, repr=False)]
    name: GivenName | None = None
    device: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$", repr=False)] = None
    region: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = None


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


class Restart(Request):
    """Restart ICE on one connection, for the network has changed. Replied with `done`; `restart` brings servers for it,
    and on the `subscriber` the server's offer follows.
    """

    type: Literal["restart"]
    epoch: Epoch
    pc: PeerConnectionRole


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


class SendMessage(Request):
    """Something for everybody who is in the room now, oneself too, or for those in `to`. It is kept nowhere, and what
    its `topic` means is up to the application.
    """

    type: Literal["message"]
    topic: Topic
    text: TopicText
    to: Annotated[tuple[ParticipantIdField, ...] | None, Field(max_length=100)] = None


class ChangePermissions(Request):
    """For moderators: what somebody may do from now on. Only what is given changes.

    Tracks of sources that they may not publish any more end at once. Everybody hears of it as `participant.updated`.
    """

    type: Literal["permissions"]
    participant: ParticipantIdField
    publish: Annotated[tuple[TrackSource, ...] | None, Field(max_length=16)] = None
    subscribe: bool | None = None
    chat: bool | None = None
    moderate: bool | None = None


class Kick(Request):
    """For moderators: end somebody's stay. The tokens that they hold let nobody in any more, a newer one does.

    A guest's token is closed, also for others who were given the same.
    """

    type: Literal["kick"]
    participant: ParticipantIdField
    reason: Annotated[str, Field(max_length=500)] = ""


class Ban(Request):
    """For moderators: end somebody's stay and keep their identity out, for `for_s` seconds or for good.

    With `device` also whoever comes on the device that they named when they joined, if they did.
    """

    type: Literal["ban"]
    participant: ParticipantIdField
    reason: Annotated[str, Field(max_length=500)] = ""
    for_s: Annotated[int | None, Field(ge=1, le=10 * 366 * 24 * 3600)] = None
    device: bool = False


class AdmitFromLobby(Request):
    """For moderators: let somebody in who waits in the lobby, also while the room is locked."""

    type: Literal["lobby.admit"]
    participant: ParticipantIdField


class DenyFromLobby(Request):
    """For moderators: send somebody away who waits in the lobby. They may come again; `kick` and `ban` prevent that."""

    type: Literal["lobby.deny"]
    participant: ParticipantIdField


class Lock(Request):
    """For moderators: let nobody new in from now on, or let them in again. Everybody hears of it as `room.updated`."""

    type: Literal["lock"]
    locked: bool


class MuteParticipant(Request):
    """For moderators: mute one `track` of somebody, or all their tracks of one `source`. Only they can unmute them.

    With `stop` the track ends instead; they may begin another. To keep a source off, change their permissions.
    """

    type: Literal["participant.mute"]
    participant: ParticipantIdField
    track: TrackIdField | None = None
    source: TrackSource | None = None
    stop: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.track is None) == (self.source is None) or (self.stop and self.track is None):
            raise ValueError("Name one track or, to mute, one source")
        return self


class RaiseHand(Request):
    """Raise one's hand, or lower it; moderators lower somebody else's by naming the `participant`."""

    type: Literal["hand"]
    raised: bool
    participant: ParticipantIdField | None = None


class ChangeAttributes(Request):
    """Change some of one's own attributes; `null` removes one."""

    type: Literal["attributes"]
    attributes: Annotated[dict[AttributeName, AttributeValue | None], Field(max_length=32)]


class Ping(Request):
    """Ask for a sign of life."""

    type: Literal["ping"]
