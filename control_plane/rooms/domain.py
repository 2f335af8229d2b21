"""A room as the control plane keeps it. Records are stored and sent between replicas as the JSON of these models."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from control_plane.access.devices import DeviceHash
from control_plane.ids import Identity, Incarnation, LegId, NodeId, ParticipantId, ReplicaId, RoomId, TrackId
from control_plane.rooms.permissions import Permissions
from control_plane.rooms.policy import RoomPolicy
from media_adapters.models import PeerRef, RoomRef, TrackKind, TrackSource


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


def _list_from_lua(value: Any) -> Any:
    """What was an empty list is an empty object once Lua has written it."""
    return () if value == {} else value


class TokenRef(Record):
    """The token that somebody came with. A `guest`'s named no identity. Times are seconds since the epoch."""

    id: str = ""
    guest: bool = False
    issued_at: float = 0
    expires_at: float = 0


class Ingest(Record):
    """Somebody by HTTP, without a connection for signaling: a publisher (WHIP), or a player (WHEP) of the tracks that
    it `watches`. `resource` is the hash of what its URL ends with; `etag` names its present ICE session."""

    resource: str
    etag: str
    watches: Annotated[tuple[TrackId, ...], BeforeValidator(_list_from_lua)] = ()


class Stand(Record):
    """Where somebody's media live in one epoch."""

    epoch: int
    leg: LegId = LegId("")
    topology: Literal["waiting", "p2p", "sfu"] = "sfu"


class Person(Record):
    """One participant. `generation` grows with every resume and fences off what an earlier connection still sends.

    `replica` holds the connection; it is empty while nobody does, since `gone_at` (ms since the epoch).
    `epoch`, `topology` and `leg` are the placement; while the call moves, `previous` is the one that it comes from, and
    `ready` says that the media flow in the new one. `last_epoch` is the highest that was ever given, 0 if that is
    `epoch`. Who is in the `lobby` waits to be let in, and has no placement; `joined_at` is then since when. `region` is
    where they said, or seemed, to be. `hand_raised_at` in ms since the epoch. Tracks that a moderator has `stopped`
    don't come back.
    """

    id: ParticipantId
    identity: Identity
    name: str
    permissions: Permissions = Permissions()
    token: TokenRef = TokenRef()
    joined_at: int = 0
    replica: ReplicaId
    generation: int = 1
    connected: bool = True
    gone_at: int | None = None
    epoch: int = 0
    topology: Literal["waiting", "p2p", "sfu"] = "waiting"
    leg: LegId = LegId("")
    previous: Stand | None = None
    ready: bool = False
    last_epoch: int = 0
    lobby: bool = False
    hand_raised_at: int | None = None
    attributes: dict[str, str] = {}
    device: DeviceHash | None = None
    stopped: Annotated[tuple[TrackId, ...], BeforeValidator(_list_from_lua)] = ()
    ingest: Ingest | None = None
    region: str | None = None

    @property
    def needs_sfu(self) -> bool:
        """Whether this person can only be where a media server is: nobody could answer the offers of others."""
        return self.ingest is not None

    @property
    def stand(self) -> Stand:
        """The placement."""
        return Stand(epoch=self.epoch, leg=self.leg, topology=self.topology)

    @property
    def stands(self) -> tuple[Stand, ...]:
        """Every placement that lives, the newest first; at most two, none while waiting."""
        if self.topology == "waiting":
            return ()
        return (self.stand,) if self.previous is None else (self.stand, self.previous)


class TrackRecord(Record):
    id: TrackId
    participant: ParticipantId
    kind: TrackKind
    source: TrackSource
    muted: bool = False
    simulcast: bool = False


class Leg(Record):
    """One node's share of the room. Since `leaving_since` (ms since the epoch) the room moves away; 0: it does not."""

    id: LegId
    node: NodeId
    leaving_since: int = 0


class Move(Record):
    """Where the room is to go: to `node`, to any node of `backend`, or, with neither, anywhere but the nodes of
    `avoid`, which the targets that failed are added to. `began_at` in ms since the epoch, 0 before that."""

    id: str
    node: NodeId | None = None
    backend: str | None = None
    avoid: Annotated[tuple[NodeId, ...], BeforeValidator(_list_from_lua)] = ()
    reason: Literal["operator", "drain"] = "operator"
    by: str = ""
    asked_at: int = 0
    began_at: int = 0
    tries: int = 0


class ChatRecord(Record):
    id: str
    participant: ParticipantId
    name: str
    text: str
    sent_at: int


class PersonChanged(Record):
    op: Literal["person"]
    person: Person


class PersonGone(Record):
    op: Literal["person_gone"]
    id: ParticipantId
    reason: Literal["left", "connection_lost", "replaced", "removed", "denied", "waited_too_long"]


class TrackChanged(Record):
    op: Literal["track"]
    track: TrackRecord


class TrackGone(Record):
    op: Literal["track_gone"]
    id: TrackId
    participant: ParticipantId


class LegChanged(Record):
    op: Literal["leg"]
    leg: Leg


class LegGone(Record):
    op: Literal["leg_gone"]
    id: LegId


class MoveChanged(Record):
    """None: nothing is to move any more."""

    op: Literal["move"]
    move: Move | None = None


class ChatSaid(Record):
    op: Literal["chat"]
    message: ChatRecord


class TokenReused(Record):
    """A spent resume token of this participant was shown: its connection ends, whoever it is."""

    op: Literal["token_reused"]
    id: ParticipantId


class PolicyChanged(Record):
    op: Literal["policy"]
    policy: RoomPolicy


class HandedOver(Record):
    """The last moderator has left, and this participant is one now."""

    op: Literal["handed_over"]
    id: ParticipantId
    previous: ParticipantId


class RoomClosed(Record):
    op: Literal["closed"]


Change = Annotated[
    PersonChanged
    | PersonGone
    | TrackChanged
    | TrackGone
    | LegChanged
    | LegGone
    | MoveChanged
    | ChatSaid
    | TokenReused
    | PolicyChanged
    | HandedOver
    | RoomClosed,
    Field(discriminator="op"),
]


class Delta(Record):
    """One step of a room, as its script publishes it. Versions of one incarnation are contiguous."""

    room: RoomId
    incarnation: Incarnation
    version: int
    changes: tuple[Change, ...]


DELTA: TypeAdapter[Delta] = TypeAdapter(Delta)


class Word(Record):
    """Something that one participant sends others, as it goes from replica to replica. It changes nothing in the room,
    so it has no version and nobody catches up on it. `to` is None for everybody. `sent_at` in ms since the epoch.
    """

    word: Literal[1] = 1
    room: RoomId
    incarnation: Incarnation
    participant: ParticipantId
    topic: str
    text: str
    sent_at: int
    to: frozenset[ParticipantId] | None = None


WORD: TypeAdapter[Word] = TypeAdapter(Word)
WORD_BEGINS = b'{"word":'
"""As pydantic writes it and no delta begins: which of both an inbox brings is seen without reading it."""


class RoomState(Record):
    """A whole room at one version. `restored_at` (ms) is when it was last put back after Redis had lost it, or 0.

    `policy_at` is the version at which the policy changed last.
    """

    room: RoomId
    incarnation: Incarnation
    version: int
    created_at: int
    policy: RoomPolicy = RoomPolicy()
    policy_at: int = 0
    fence: int
    driver: ReplicaId
    restored_at: int = 0
    people: dict[ParticipantId, Person]
    tracks: dict[TrackId, TrackRecord]
    legs: dict[LegId, Leg]
    move: Move | None = None
    chat: tuple[ChatRecord, ...]

    @classmethod
    def from_redis(cls, room: RoomId, reply: Any) -> "RoomState":
        """From what the scripts' `snapshot()` returns: meta pairs, people, tracks, legs, chat."""
        meta = {reply[0][i].decode(): reply[0][i + 1].decode() for i in range(0, len(reply[0]), 2)}
        people = [Person.model_validate_json(raw) for raw in reply[1]]
        tracks = [TrackRecord.model_validate_json(raw) for raw in reply[2]]
        legs = [Leg.model_validate_json(raw) for raw in reply[3]]
        return cls(
            room=room,
            incarnation=Incarnation(meta["incarnation"]),
            version=int(meta["version"]),
            created_at=int(meta["created_at"]),
            policy=RoomPolicy.model_validate_json(meta["policy"]),
            policy_at=int(meta["policy_at"]),
            fence=int(meta["fence"]),
            driver=ReplicaId(meta.get("driver", "")),
            restored_at=int(meta.get("restored_at", 0)),
            people={person.id: person for person in people},
            tracks={track.id: track for track in tracks},
            legs={leg.id: leg for leg in legs},
            move=Move.model_validate_json(meta["move"]) if meta.get("move") else None,
            chat=tuple(ChatRecord.model_validate_json(raw) for raw in reply[4]),
        )

    @property
    def capacity(self) -> int:
        return self.policy.capacity

    @property
    def needs_sfu(self) -> bool:
        """Whether somebody here keeps the room on a media server."""
        return any(person.needs_sfu for person in self.people.values())

    @property
    def home(self) -> Leg | None:
        """The leg on which whoever comes now is placed; None before the first."""
        return next((leg for leg in self.legs.values() if not leg.leaving_since), None)

    @property
    def moving(self) -> bool:
        """Whether a move is asked for, or under way."""
        return self.move is not None or any(leg.leaving_since for leg in self.legs.values())

    def ref(self) -> RoomRef:
        return RoomRef(room=self.room, incarnation=self.incarnation)

    def peers_on(self, leg: LegId) -> list[PeerRef]:
        """Everybody whose media live on this leg, also in a placement that is being left."""
        return [
            PeerRef(room=self.ref(), participant=person.id, epoch=stand.epoch)
            for person in self.people.values()
            for stand in person.stands
            if stand.leg == leg
        ]


def peer_ref(room: RoomRef, person: Person) -> PeerRef:
    return PeerRef(room=room, participant=person.id, epoch=person.epoch)
