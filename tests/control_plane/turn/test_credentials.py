"""What a relay gets to know, and what it takes."""

import base64
import hmac

from control_plane.ids import Incarnation, ParticipantId, RoomId
from control_plane.turn.credentials import OpaqueIds, mint
from media_adapters.models import RoomRef

ROOM = RoomRef(room=RoomId("wedding-of-ann"), incarnation=Incarnation("i_1"))
ANN = ParticipantId("p_ann")


def test_a_credential_is_what_coturn_computes() -> None:
    credential = mint("s" * 32, "abc-def", 1_700_000_000)
    assert credential.username == "1700000000:abc-def"
    expected = hmac.digest(b"s" * 32, b"1700000000:abc-def", "sha1")
    assert base64.b64decode(credential.password) == expected
    assert credential.password not in repr(credential)


def test_an_opaque_id_is_stable_and_tells_nothing() -> None:
    ids = OpaqueIds("k" * 32)
    mine = ids.of(ROOM, ANN)
    assert mine == ids.of(ROOM, ANN)
    assert mine.startswith(f"{ids.room(ROOM.room)}-")
    assert "wedding" not in mine
    assert "ann" not in mine
    assert mine != OpaqueIds("x" * 32).of(ROOM, ANN)


def test_the_next_life_of_a_room_has_other_people_and_its_usage_goes_on() -> None:
    ids = OpaqueIds("k" * 32)
    again = RoomRef(room=ROOM.room, incarnation=Incarnation("i_2"))
    assert ids.of(ROOM, ANN) != ids.of(again, ANN)
    assert ids.of(ROOM, ANN).startswith(ids.room(again.room))
