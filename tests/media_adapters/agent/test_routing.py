from media_adapters.agent.routing import Routes
from media_adapters.models import Incarnation, ParticipantId, PeerRef, RoomId, RoomRef

ROOM = RoomRef(room=RoomId("room"), incarnation=Incarnation("one"))
ALICE = PeerRef(room=ROOM, participant=ParticipantId("alice"), epoch=1)
ALICE_MOVED = PeerRef(room=ROOM, participant=ParticipantId("alice"), epoch=2)
BOB = PeerRef(room=ROOM, participant=ParticipantId("bob"), epoch=1)


def test_participant_belongs_to_whom_commanded_it_last_in_every_epoch() -> None:
    routes = Routes[str]()
    routes.claim(ALICE, "first")
    routes.claim(ALICE_MOVED, "second")
    routes.claim(BOB, "first")
    assert routes.owner(ALICE) == "second"
    assert routes.owner(BOB) == "first"


def test_participant_of_a_lost_connection_belongs_to_nobody() -> None:
    routes = Routes[str]()
    routes.claim(ALICE, "first")
    routes.claim(BOB, "second")
    routes.connection_lost("first")
    assert routes.owner(ALICE) is None
    assert routes.owner(BOB) == "second"


def test_end_of_a_room_concerns_its_driver_and_everybody_in_it() -> None:
    routes = Routes[str]()
    routes.watch(ROOM, "driver")
    routes.claim(ALICE, "first")
    routes.claim(BOB, "driver")
    assert routes.audience(ROOM) == {"driver", "first"}
    routes.room_closed(ROOM)
    assert routes.audience(ROOM) == set()
    assert routes.owner(ALICE) is None
