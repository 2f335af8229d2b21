from dataclasses import dataclass

import pytest

from media_adapters.common.members import Members
from media_adapters.errors import PeerNotFound, RoomNotFound
from media_adapters.models import Incarnation, ParticipantId, PeerRef, RoomId, RoomRef

ROOM = RoomRef(room=RoomId("lobby"), incarnation=Incarnation("one"))
ALICE = PeerRef(room=ROOM, participant=ParticipantId("alice"), epoch=1)


@dataclass(eq=False)
class Somebody:
    ref: PeerRef = ALICE


def test_who_joins_twice_is_who_came_first_until_they_leave() -> None:
    members = Members[Somebody]()
    members.open(ROOM)
    first = members.join(Somebody())
    members.open(ROOM)
    assert members.join(Somebody()) is members.get(ALICE) is first
    members.leave(first)
    later = members.join(Somebody())
    members.leave(first)
    assert (first in members, later in members, list(members)) == (False, True, [later])


def test_a_closed_room_hands_back_who_was_in_it_and_takes_nobody() -> None:
    members = Members[Somebody]()
    members.open(ROOM)
    alice = members.join(Somebody())
    assert members.close(ROOM) == [alice]
    assert members.close(ROOM) == []
    assert (members.rooms, list(members), members.find(ALICE)) == ((), [], None)
    with pytest.raises(RoomNotFound):
        members.join(Somebody())
    with pytest.raises(RoomNotFound):
        members.inside(ROOM)
    with pytest.raises(PeerNotFound):
        members.get(ALICE)
