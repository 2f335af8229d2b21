"""What a participant may see of a room, as protocol messages. Nobody else sees hidden people and their tracks.

Who waits in the lobby sees nothing of the room, and is seen by moderators only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from control_plane.ids import Incarnation, ParticipantId
from control_plane.rooms.domain import (
    Change,
    ChatRecord,
    ChatSaid,
    HandedOver,
    Person,
    PersonChanged,
    PersonGone,
    PolicyChanged,
    RoomState,
    TrackChanged,
    TrackGone,
    TrackRecord,
    Word,
)
from control_plane.rooms.policy import RoomPolicy
from control_plane.signaling.messages import (
    ChatEvent,
    ChatMessage,
    Event,
    IceServer,
    LobbyLeft,
    LobbyWaiting,
    ModeratorChanged,
    Participant,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantUpdated,
    Permissions,
    Placement,
    Policy,
    RoomSnapshot,
    RoomUpdated,
    SnapshotEvent,
    TopicMessage,
    Track,
    TrackEnded,
    TrackPublished,
    TrackUpdated,
    Waiting,
)


def participant(person: Person) -> Participant:
    return Participant(
        id=person.id,
        identity=person.identity,
        name=person.name,
        joined_at=person.joined_at,
        connected=person.connected,
        hand_raised_at=person.hand_raised_at,
        attributes=person.attributes,
        stopped=person.stopped,
        permissions=Permissions.model_validate(person.permissions.model_dump()),
        client=_client(person),
    )


def _client(person: Person) -> Literal["app", "whip", "whep"]:
    if person.ingest is None:
        return "app"
    return "whep" if person.ingest.watches else "whip"


def waiting(person: Person) -> Waiting:
    return Waiting(
        id=person.id,
        identity=person.identity,
        name=person.name,
        since=person.joined_at,
        connected=person.connected,
        attributes=person.attributes,
    )


def policy(rules: RoomPolicy) -> Policy:
    return Policy(capacity=rules.capacity, lobby=rules.lobby, locked=rules.locked)


def track(record: TrackRecord) -> Track:
    return Track(
        id=record.id,
        participant=record.participant,
        kind=record.kind,
        source=record.source,
        muted=record.muted,
        simulcast=record.simulcast,
    )


def chat_message(record: ChatRecord) -> ChatMessage:
    return ChatMessage.model_validate(record.model_dump())


def placement(
    person: Person, reason: str, ice_servers: Sequence[IceServer] = (), *, relay_only: bool = False
) -> Placement:
    return Placement.model_validate(
        {
            "epoch": person.epoch,
            "topology": person.topology,
            "simulcast": person.topology != "p2p",
            "ice_servers": tuple(ice_servers),
            "ice_policy": "relay" if relay_only else "all",
            "reason": reason,
        }
    )


def visible(person: Person | None, viewer: ParticipantId) -> bool:
    return person is not None and not person.lobby and (not person.permissions.hidden or person.id == viewer)


def moderates(state: RoomState, viewer: ParticipantId) -> bool:
    person = state.people.get(viewer)
    return person is not None and person.permissions.moderate and not person.lobby


def snapshot(state: RoomState, viewer: ParticipantId) -> RoomSnapshot:
    """The room as `viewer` may see it."""
    return RoomSnapshot(
        room=state.room,
        incarnation=state.incarnation,
        version=state.version,
        policy=policy(state.policy),
        lobby=tuple(waiting(person) for person in state.people.values() if person.lobby and moderates(state, viewer)),
        participants=tuple(participant(person) for person in state.people.values() if visible(person, viewer)),
        tracks=tuple(
            track(record) for record in state.tracks.values() if visible(state.people.get(record.participant), viewer)
        ),
        chat=tuple(chat_message(record) for record in state.chat),
    )


def from_the_lobby(state: RoomState) -> RoomSnapshot:
    """What who waits may see: that the room is there, and how it is run."""
    return RoomSnapshot(
        room=state.room,
        incarnation=state.incarnation,
        version=state.version,
        policy=policy(state.policy),
        participants=(),
        tracks=(),
        chat=(),
    )


class Snapshots:
    """Snapshots of the latest version, made once for all viewers who see the same."""

    def __init__(self) -> None:
        self._of: tuple[Incarnation, int] | None = None
        self._made: dict[tuple[ParticipantId | None, bool], RoomSnapshot] = {}

    def of(self, state: RoomState, viewer: ParticipantId) -> RoomSnapshot:
        if self._of != (state.incarnation, state.version):
            self._of = (state.incarnation, state.version)
            self._made.clear()
        person = state.people.get(viewer)
        hidden = person is not None and person.permissions.hidden  # they see themselves, moderators the lobby
        role = (viewer if hidden else None, moderates(state, viewer))
        if role not in self._made:
            self._made[role] = snapshot(state, viewer)
        return self._made[role]


@dataclass(frozen=True, slots=True)
class _Entry:
    """An event, about something that belongs to `owner`."""

    owner: ParticipantId | None
    body: str
    for_moderators: bool = False


class EventBodies:
    """The events of one step of a room, each encoded once, however many receive it.

    `before` and `after` are the room around the step; `bodies(viewer)` are the JSON texts for one viewer,
    without `seq`.
    """

    def __init__(self, before: RoomState, after: RoomState, changes: Sequence[Change]) -> None:
        self._after = after
        self._before = before
        self._people = dict(before.people)
        self._hidden = {p.id for state in (before, after) for p in state.people.values() if p.permissions.hidden}
        self._entries: list[_Entry] = []
        for change in changes:
            self._encode(change)

    def bodies(self, viewer: ParticipantId) -> list[str]:
        moderator = moderates(self._after, viewer)
        return [
            entry.body
            for entry in self._entries
            if (entry.owner not in self._hidden or entry.owner == viewer) and (moderator or not entry.for_moderators)
        ]

    def _encode(self, change: Change) -> None:
        version = self._after.version
        match change:
            case PersonChanged(person=person):
                self._person_changed(person, version)
            case PersonGone(id=gone, reason=reason):
                self._person_gone(gone, reason, version)
            case TrackChanged(track=record):
                kind = TrackUpdated if record.id in self._before.tracks else TrackPublished
                self._add(record.participant, kind(seq=0, version=version, track=track(record)))
            case TrackGone(id=ended, participant=owner):
                self._add(owner, TrackEnded(seq=0, version=version, track=ended, participant=owner))
            case ChatSaid(message=message):
                self._add(None, ChatEvent(seq=0, version=version, message=chat_message(message)))
            case PolicyChanged(policy=rules) if policy(rules) != policy(self._before.policy):
                self._add(None, RoomUpdated(seq=0, version=version, policy=policy(rules)))
            case HandedOver(id=heir):
                self._add(heir, ModeratorChanged(seq=0, version=version, participant=heir))

    def _person_changed(self, person: Person, version: int) -> None:
        seen, self._people[person.id] = self._people.get(person.id), person
        if person.lobby:
            if seen is None or waiting(seen) != waiting(person):
                event = LobbyWaiting(seq=0, version=version, waiting=waiting(person))
                self._add(person.id, event, for_moderators=True)
            return
        if seen is not None and seen.lobby:
            self._left_lobby(person.id, "admitted", version)
        if seen is None or seen.lobby:
            self._add(person.id, ParticipantJoined(seq=0, version=version, participant=participant(person)))
        elif participant(seen) != participant(person):
            self._add(person.id, ParticipantUpdated(seq=0, version=version, participant=participant(person)))

    def _person_gone(self, gone: ParticipantId, reason: str, version: int) -> None:
        seen = self._people.pop(gone, None)
        if seen is not None and seen.lobby:
            self._left_lobby(gone, reason, version)
        else:
            event = {"seq": 0, "version": version, "participant": gone, "reason": reason}
            self._add(gone, ParticipantLeft.model_validate(event))

    def _left_lobby(self, who: ParticipantId, reason: str, version: int) -> None:
        event = {"seq": 0, "version": version, "participant": who, "reason": reason}
        self._add(who, LobbyLeft.model_validate(event), for_moderators=True)

    def _add(self, owner: ParticipantId | None, event: Event, *, for_moderators: bool = False) -> None:
        self._entries.append(_Entry(owner, event_body(event), for_moderators))


def event_body(event: Event) -> str:
    """The JSON of an event without its `seq`, which each connection adds."""
    return event.model_dump_json(exclude={"seq"}, exclude_none=True)


def topic_message(word: Word, version: int) -> str:
    said = word.model_dump(include={"participant", "topic", "text", "sent_at"})
    return event_body(TopicMessage(seq=0, version=version, **said))


def snapshot_event(seen: RoomSnapshot) -> str:
    return event_body(SnapshotEvent(seq=0, version=seen.version, snapshot=seen))
