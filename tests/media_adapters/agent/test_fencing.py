import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_adapters.agent.fencing import MEMORY, Fencing
from media_adapters.errors import Superseded
from media_adapters.models import Incarnation, ParticipantId, PeerRef, RoomId, RoomRef
from media_adapters.wire import Authority, BadRequest

ROOM = RoomRef(room=RoomId("room"), incarnation=Incarnation("one"))
REBORN = RoomRef(room=RoomId("room"), incarnation=Incarnation("two"))
ALICE = PeerRef(room=ROOM, participant=ParticipantId("alice"), epoch=1)
ALICE_MOVED = PeerRef(room=ROOM, participant=ParticipantId("alice"), epoch=2)
BOB = PeerRef(room=ROOM, participant=ParticipantId("bob"), epoch=1)


def driver(fence: int) -> Authority:
    return Authority(fence=fence)


def connection(generation: int) -> Authority:
    return Authority(generation=generation)


def test_driver_that_was_replaced_is_refused_and_the_current_one_goes_on() -> None:
    fencing = Fencing()
    fencing.room(ROOM, driver(1), 0)
    fencing.room(ROOM, driver(3), 0)
    with pytest.raises(Superseded):
        fencing.room(ROOM, driver(2), 0)
    fencing.room(ROOM, driver(3), 0)


def test_room_made_again_under_its_name_starts_with_fences_of_its_own() -> None:
    fencing = Fencing()
    fencing.room(ROOM, driver(9), 0)
    fencing.room(REBORN, driver(1), 0)


def test_connection_that_was_resumed_elsewhere_is_refused() -> None:
    fencing = Fencing()
    fencing.peer(ALICE, connection(1), 0)
    fencing.peer(ALICE, connection(2), 0)
    with pytest.raises(Superseded):
        fencing.peer(ALICE, connection(1), 0)
    fencing.peer(ALICE, connection(2), 0)
    fencing.peer(BOB, connection(1), 0)


def test_generation_counts_for_the_participant_in_every_epoch() -> None:
    fencing = Fencing()
    fencing.peer(ALICE_MOVED, connection(2), 0)
    with pytest.raises(Superseded):
        fencing.peer(ALICE, connection(1), 0)


def test_replaced_driver_can_remove_nobody() -> None:
    fencing = Fencing()
    fencing.room(ROOM, driver(2), 0)
    with pytest.raises(Superseded):
        fencing.peer(ALICE, driver(1), 0)
    fencing.peer(ALICE, driver(2), 0)
    fencing.peer(ALICE, driver(3), 0)


def test_generation_says_nothing_about_the_room() -> None:
    with pytest.raises(BadRequest):
        Fencing().room(ROOM, connection(5), 0)


def test_call_without_authority_is_refused() -> None:
    with pytest.raises(BadRequest):
        Fencing().peer(ALICE, Authority(), 0)


def test_late_command_does_not_bring_back_whom_the_driver_removed() -> None:
    fencing = Fencing()
    fencing.peer(ALICE, connection(4), 0)
    fencing.peer(ALICE, driver(1), 0)
    fencing.removed(ALICE, 0)
    with pytest.raises(Superseded):
        fencing.peer(ALICE, connection(4), 0)


@pytest.mark.parametrize(
    ("peer", "authority"),
    [(ALICE, connection(5)), (ALICE, driver(1)), (ALICE_MOVED, connection(4)), (BOB, connection(1))],
    ids=["resumed", "by the driver", "in another epoch", "somebody else"],
)
def test_removed_participant_may_come_back_in_a_new_way(peer: PeerRef, authority: Authority) -> None:
    fencing = Fencing()
    fencing.peer(ALICE, connection(4), 0)
    fencing.removed(ALICE, 0)
    fencing.peer(peer, authority, 0)


def test_what_is_here_is_never_forgotten_and_the_rest_is_after_an_hour() -> None:
    fencing = Fencing()
    fencing.room(ROOM, driver(5), 0)
    fencing.peer(ALICE, connection(5), 0)
    fencing.peer(BOB, connection(5), 0)
    assert fencing.forget(MEMORY, {ROOM}, set()) == []
    assert fencing.forget(MEMORY + 1, {ROOM}, {(ROOM, ALICE.participant)}) == [(ROOM, BOB.participant)]
    with pytest.raises(Superseded):
        fencing.room(ROOM, driver(4), MEMORY + 1)
    with pytest.raises(Superseded):
        fencing.peer(ALICE, connection(4), MEMORY + 1)
    fencing.peer(BOB, connection(1), MEMORY + 1)

    fencing.forget(3 * MEMORY, set(), set())
    fencing.room(ROOM, driver(1), 3 * MEMORY)


@given(st.lists(st.tuples(st.sampled_from([ALICE, ALICE_MOVED, BOB]), st.integers(0, 5)), max_size=40))
def test_exactly_those_below_the_highest_generation_so_far_are_refused(commands: list[tuple[PeerRef, int]]) -> None:
    fencing, highest = Fencing(), dict.fromkeys([ALICE.participant, BOB.participant], 0)
    for peer, generation in commands:
        try:
            fencing.peer(peer, connection(generation), 0)
        except Superseded:
            assert generation < highest[peer.participant]
        else:
            assert generation >= highest[peer.participant]
            highest[peer.participant] = generation
