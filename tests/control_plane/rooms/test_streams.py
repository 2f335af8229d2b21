"""How many streams a join is expected to bring."""

from control_plane.ids import Identity, Incarnation, LegId, NodeId, ParticipantId, ReplicaId, RoomId, TrackId
from control_plane.rooms import streams
from control_plane.rooms.domain import Ingest, Leg, Person, RoomState, TrackRecord
from control_plane.rooms.permissions import Permissions
from control_plane.rooms.streams import LISTENS_AFTER_MS
from media_adapters.models import TrackKind, TrackSource

LISTENER = Permissions(publish=())
MEDIA = {TrackSource.CAMERA: TrackKind.VIDEO, TrackSource.MICROPHONE: TrackKind.AUDIO}
ONE = LegId("l1")


def person(
    name: str, joined_at: int = 0, permissions: Permissions | None = None, ingest: Ingest | None = None
) -> Person:
    return Person(
        id=ParticipantId(name), identity=Identity(name), name=name, replica=ReplicaId("r"), joined_at=joined_at,
        permissions=permissions or Permissions(), ingest=ingest, leg=ONE,
    )  # fmt: skip


def room(*people: Person, sending: tuple[str, ...] = (), simulcast: bool = True) -> RoomState:
    tracks = [
        TrackRecord(
            id=TrackId(f"{name}-{source}"), participant=ParticipantId(name), kind=kind, source=source,
            simulcast=simulcast and kind is TrackKind.VIDEO,
        )
        for name in sending
        for source, kind in MEDIA.items()
    ]  # fmt: skip
    return RoomState(
        room=RoomId("room"), incarnation=Incarnation("i"), version=1, created_at=0, fence=1, driver=ReplicaId("r"),
        people={each.id: each for each in people}, tracks={track.id: track for track in tracks},
        legs={ONE: Leg(id=ONE, node=NodeId("n1"))}, chat=(),
    )  # fmt: skip


def test_who_is_alone_brings_what_they_send() -> None:
    alice = person("alice")
    assert streams.of_newcomer(room(alice), alice) == 1 + 3


def test_a_burst_counts_what_those_who_just_came_are_about_to_send() -> None:
    alice, bob = person("alice", joined_at=1000), person("bob", joined_at=1500)
    assert streams.of_newcomer(room(alice, bob), bob) == 4 + 2 + 2


def test_who_sent_nothing_for_long_is_expected_to_listen() -> None:
    alice, bob = person("alice"), person("bob", joined_at=LISTENS_AFTER_MS)
    assert streams.of_newcomer(room(alice, bob), bob) == 4 + 2


def test_a_listener_brings_what_they_receive_only() -> None:
    alice, bob = person("alice"), person("bob", permissions=LISTENER)
    assert streams.of_newcomer(room(alice, bob, sending=("alice",)), bob) == 2


def test_to_those_who_may_not_receive_nothing_is_forwarded() -> None:
    recorder = person("recorder", permissions=Permissions(publish=(), subscribe=False))
    alice = person("alice")
    assert streams.of_newcomer(room(recorder, alice), alice) == 4
    assert streams.of_newcomer(room(recorder, alice, sending=("alice",)), recorder) == 0


def test_a_player_by_http_sends_nothing_and_who_waits_in_the_lobby_does_not_count() -> None:
    player = person("player", ingest=Ingest(resource="x", etag="y", watches=(TrackId("alice-camera"),)))
    waiting = person("waiting").model_copy(update={"lobby": True})
    alice = person("alice")
    assert streams.of_newcomer(room(alice, player, waiting, sending=("alice",)), player) == 2
    assert streams.of_newcomer(room(alice, player, waiting), alice) == 4 + 2


def test_a_whole_room_is_what_is_sent_and_what_is_forwarded_of_it() -> None:
    state = room(person("alice"), person("bob"), person("carol", permissions=LISTENER), sending=("alice", "bob"))
    assert streams.of_room(state) == 2 * 4 + 2 * 2 * 2
    assert streams.of_room(room(person("alice"), sending=("alice",), simulcast=False)) == 2
    waiting = person("dave").model_copy(update={"lobby": True})
    assert streams.of_room(room(waiting, sending=("dave",))) == 0
