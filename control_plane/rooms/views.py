"""What a participant may see of a room, as protocol messages. Nobody else sees hidden people and their tracks."""

from collections.abc import Sequence

from control_plane.ids import Incarnation, ParticipantId
from control_plane.rooms.domain import (
    Change,
    ChatRecord,
    ChatSaid,
    Person,
    PersonChanged,
    PersonGone,
    RoomState,
    TrackChanged,
    TrackGone,
    TrackRecord,
)
from control_plane.signaling.messages import (
    ChatEvent,
    ChatMessage,
    Event,
    Participant,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantUpdated,
    Permissions,
    Placement,
    RoomSnapshot,
    SnapshotEvent,
    Track,
    TrackEnded,
    TrackPublished,
    TrackUpdated,
)


def participant(person: Person) -> Participant:
    return Participant(
        id=person.id,
        identity=person.identity,
        name=person.name,
        joined_at=person.joined_at,
        connected=person.connected,
        permissions=Permissions.model_validate(person.permissions.model_dump()),
    )


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


def placement(person: Person, reason: str = "joined") -> Placement:
    return Placement.model_validate(
        {"epoch": person.epoch, "topology": person.topology, "simulcast": person.topology != "p2p", "reason": reason}
    )


def visible(person: Person | None, viewer: ParticipantId) -> bool:
    return person is not None and (not person.permissions.hidden or person.id == viewer)


def snapshot(state: RoomState, viewer: ParticipantId) -> RoomSnapshot:
    """The room as `viewer` may see it."""
    return RoomSnapshot(
        room=state.room,
        incarnation=state.incarnation,
        version=state.version,
        participants=tuple(participant(person) for person in state.people.values() if visible(person, viewer)),
        tracks=tuple(
            track(record) for record in state.tracks.values() if visible(state.people.get(record.participant), viewer)
        ),
        chat=tuple(chat_message(record) for record in state.chat),
    )


class Snapshots:
    """Snapshots of the latest version, made once for all viewers who see the same."""

    def __init__(self) -> None:
        self._of: tuple[Incarnation, int] | None = None
        self._made: dict[ParticipantId | None, RoomSnapshot] = {}

    def of(self, state: RoomState, viewer: ParticipantId) -> RoomSnapshot:
        if self._of != (state.incarnation, state.version):
            self._of = (state.incarnation, state.version)
            self._made.clear()
        person = state.people.get(viewer)
        role = (
            viewer if person is not None and person.permissions.hidden else None
        )  # only the hidden see more than others
        if role not in self._made:
            self._made[role] = snapshot(state, viewer)
        return self._made[role]


class EventBodies:
    """The events of one step of a room, each encoded once, however many receive it.

    `before` and `after` are the room around the step; `bodies(viewer)` are the JSON texts for one viewer,
    without `seq`.
    """

    def __init__(self, before: RoomState, after: RoomState, changes: Sequence[Change]) -> None:
        self._hidden = {p.id for state in (before, after) for p in state.people.values() if p.permissions.hidden}
        self._entries: list[tuple[ParticipantId | None, str]] = []
        for change in changes:
            self._encode(before, after, change)

    def bodies(self, viewer: ParticipantId) -> list[str]:
        return [body for owner, body in self._entries if owner not in self._hidden or owner == viewer]

    def _encode(self, before: RoomState, after: RoomState, change: Change) -> None:
        owner: ParticipantId | None = None
        event: Event | None = None
        version = after.version
        match change:
            case PersonChanged(person=person):
                owner = person.id
                seen = before.people.get(person.id)
                if seen is None:
                    event = ParticipantJoined(seq=0, version=version, participant=participant(person))
                elif participant(seen) != participant(person):
                    event = ParticipantUpdated(seq=0, version=version, participant=participant(person))
            case PersonGone(id=owner, reason=reason):
                event = ParticipantLeft(seq=0, version=version, participant=owner, reason=reason)
            case TrackChanged(track=record):
                owner = record.participant
                kind = TrackUpdated if record.id in before.tracks else TrackPublished
                event = kind(seq=0, version=version, track=track(record))
            case TrackGone(id=ended, participant=owner):
                event = TrackEnded(seq=0, version=version, track=ended, participant=owner)
            case ChatSaid(message=message):
                event = ChatEvent(seq=0, version=version, message=chat_message(message))
        if event is not None:
            self._entries.append((owner, event_body(event)))


def event_body(event: Event) -> str:
    """The JSON of an event without its `seq`, which each connection adds."""
    return event.model_dump_json(exclude={"seq"}, exclude_none=True)


def snapshot_event(seen: RoomSnapshot) -> str:
    return event_body(SnapshotEvent(seq=0, version=seen.version, snapshot=seen))
