from media_adapters.agent.rooms import SETTLED_AFTER, Rooms
from media_adapters.models import Incarnation, ParticipantId, PeerRef, RoomId, RoomRef

ROOM = RoomRef(room=RoomId("room"), incarnation=Incarnation("one"))
OTHER = RoomRef(room=RoomId("other"), incarnation=Incarnation("one"))
ALICE = PeerRef(room=ROOM, participant=ParticipantId("alice"), epoch=1)


def test_room_stays_as_long_as_its_driver_is_heard() -> None:
    rooms = Rooms(lease=30)
    rooms.opened(ROOM, 0)
    assert rooms.renew(ROOM, 29)
    assert rooms.renew(ROOM, 58)
    assert rooms.is_open(ROOM, 87)
    assert rooms.to_close(87) == []


def test_opening_a_room_again_renews_nothing() -> None:
    rooms = Rooms(lease=30)
    rooms.opened(ROOM, 0)
    rooms.opened(ROOM, 29)
    assert rooms.to_close(30) == [ROOM]


def test_room_without_a_driver_is_to_be_closed_and_can_not_be_renewed_any_more() -> None:
    rooms = Rooms(lease=30)
    rooms.opened(ROOM, 0)
    rooms.opened(OTHER, 10)
    assert rooms.to_close(30) == [ROOM]
    assert rooms.is_lapsed(ROOM, 30)
    assert not rooms.renew(ROOM, 30)
    assert rooms.renew(OTHER, 30)


def test_room_that_was_never_opened_is_not_here() -> None:
    rooms = Rooms(lease=30)
    assert not rooms.renew(ROOM, 0)
    assert not rooms.is_lapsed(ROOM, 0)


def test_room_that_could_not_be_closed_is_tried_again_and_serves_nobody_meanwhile() -> None:
    rooms = Rooms(lease=30)
    rooms.opened(ROOM, 0)
    rooms.could_not_close(ROOM, 30)
    assert rooms.to_close(30.5) == []
    assert rooms.is_lapsed(ROOM, 30.5)
    assert rooms.to_close(31) == [ROOM]


def test_peer_settles_from_its_first_sight_on_and_anew_after_it_left() -> None:
    rooms = Rooms(lease=30)
    rooms.opened(ROOM, 0)
    rooms.arrived(ALICE, 1)
    rooms.arrived(ALICE, 4)
    assert not rooms.is_settled(ALICE, SETTLED_AFTER)
    assert rooms.is_settled(ALICE, SETTLED_AFTER + 1)
    rooms.left(ALICE)
    assert not rooms.is_settled(ALICE, SETTLED_AFTER + 1)


def test_peer_that_nobody_announced_has_just_come() -> None:
    rooms = Rooms(lease=30)
    rooms.opened(ROOM, 0)
    assert not rooms.is_settled(ALICE, 100)
    assert rooms.participants() == {(ROOM, ALICE.participant)}
