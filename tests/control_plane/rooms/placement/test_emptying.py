"""At which pace nodes are emptied, and what is left alone."""

from control_plane.ids import NodeId, RoomId
from control_plane.rooms.domain import Move, RoomState
from control_plane.rooms.placement.emptying import ENCODERS_WAIT_MS, RETRY_MS, Emptying, Wish
from tests.control_plane.rooms.placement.rooms import NODES, joined, room

ONE = NODES[0]


def named(name: str, people: int) -> RoomState:
    return room(people).model_copy(update={"room": RoomId(name)})


def moves(wish: Wish | None) -> bool:
    return wish is not None and wish.move is not None


def test_no_more_people_begin_to_move_in_a_second_than_the_pace_allows() -> None:
    emptying = Emptying(lambda: {ONE}, per_s=10)
    rooms = [named(f"r{number}", 2) for number in range(30)]
    begun: list[str] = []
    for second in range(6):
        now = [each.room for each in rooms if each.room not in begun and moves(emptying.look(each, second * 1000))]
        assert len(now) == 5
        begun += now
    assert len(begun) == 30


def test_a_room_larger_than_the_pace_goes_as_a_whole_and_others_wait_for_it() -> None:
    emptying = Emptying(lambda: {ONE}, per_s=10)
    assert moves(emptying.look(named("large", 35), 0))
    small = named("small", 2)
    assert [moves(emptying.look(small, second * 1000)) for second in (1, 2, 3)] == [False, False, True]


def test_a_move_avoids_every_node_that_is_emptied() -> None:
    wish = Emptying(lambda: {ONE, NODES[1]}).look(room(), 0)
    assert wish is not None
    assert wish.move is not None
    assert wish.move.avoid == (ONE, NODES[1])


def test_rooms_elsewhere_and_rooms_that_move_already_are_left_alone() -> None:
    emptying = Emptying(lambda: {ONE})
    assert emptying.look(room(node=NODES[1]), 0) is None
    assert emptying.look(room().model_copy(update={"move": Move(id="m", node=NODES[2])}), 0) is None


def test_a_room_with_an_encoder_is_given_a_minute() -> None:
    emptying, held = Emptying(lambda: {ONE}), joined(room(), "obs", encoder=True)
    assert emptying.look(held, 1000) is None
    assert emptying.look(held, 1000 + ENCODERS_WAIT_MS - 1) is None
    assert moves(emptying.look(room(), 1000 + ENCODERS_WAIT_MS - 1))
    assert moves(emptying.look(held.model_copy(update={"room": RoomId("other")}), 1000 + ENCODERS_WAIT_MS))


def test_what_came_to_nothing_is_tried_again_after_a_while() -> None:
    emptying = Emptying(lambda: {ONE})
    assert moves(emptying.look(room(), 0))
    assert emptying.look(room(), RETRY_MS - 1) is None
    assert moves(emptying.look(room(), RETRY_MS))


def test_when_it_is_cancelled_what_has_not_begun_stays() -> None:
    nodes: set[NodeId] = {ONE}
    emptying = Emptying(lambda: nodes)
    wish = emptying.look(room(), 0)
    assert wish is not None
    nodes.clear()
    assert emptying.look(room().model_copy(update={"move": wish.move}), 1000) == Wish(None)
    assert wish.move is not None
    begun = wish.move.model_copy(update={"began_at": 500})
    assert emptying.look(room().model_copy(update={"move": begun}), 1000) is None
