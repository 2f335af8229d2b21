"""Steps of a move against a real Redis: what came in between is not undone, and a lost Redis forgets no move."""

import asyncio

import pytest

from control_plane.ids import Identity, Incarnation, LegId, NodeId, ParticipantId, ReplicaId, RoomId, new_id
from control_plane.rooms.domain import Leg, Move, Person, RoomState
from control_plane.rooms.errors import ChangedMeanwhile
from control_plane.rooms.placement.machine import found
from control_plane.rooms.placement.steps import over
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import ResumeTokens, RoomStore
from control_plane.state import Redis
from control_plane.state.keys import room_key
from tests.control_plane.rooms.placement.rooms import applied

HERE, TARGET = ReplicaId("here"), Leg(id=LegId("l_new"), node=NodeId("n2"))


class Room:
    """A room in Redis, with one leg."""

    def __init__(self, redis: Redis) -> None:
        self.id = RoomId(new_id("room"))
        self.redis = redis
        self.store = RoomStore(redis)

    async def joins(self, name: str) -> None:
        who = Person(id=ParticipantId(name), identity=Identity(name), name=name, replica=HERE)
        await self.store.join(self.id, Incarnation("i"), who, f"token of {name}", RoomPolicy())
        await self.store.place(self.id, Incarnation("i"), NodeId("n1"))

    async def state(self) -> RoomState:
        return await self.store.snapshot(self.id)

    async def moves(self) -> RoomState:
        await self.store.wish(await self.state(), Move(id="m1", node=TARGET.node))
        state = await self.state()
        await self.store.commit(self.id, found(state, TARGET, (), 1000), state.fence)
        return await self.state()


@pytest.fixture
async def room(redis: Redis) -> Room:
    room = Room(redis)
    await room.joins("ann")
    await room.joins("ben")
    return room


def stands(state: RoomState, name: str) -> list[tuple[int, str]]:
    return [(stand.epoch, stand.leg) for stand in state.people[ParticipantId(name)].stands]


async def test_a_step_makes_of_the_room_what_was_decided(room: Room) -> None:
    await room.store.wish(await room.state(), Move(id="m1", node=TARGET.node))
    state = await room.state()
    step = found(state, TARGET, (), 1000)
    await room.store.commit(room.id, step, state.fence)
    after = await room.state()
    assert after.model_copy(update={"version": state.version}) == applied(state, step)
    await room.store.ready(room.id, ParticipantId("ann"), 1, 2)
    begun = await room.state()
    assert begun.people[ParticipantId("ann")].ready
    step = over(begun, None)
    await room.store.commit(room.id, step, begun.fence)
    assert (await room.state()).model_copy(update={"version": begun.version}) == applied(begun, step)


async def test_who_came_or_changed_since_a_step_was_decided_keeps_their_leg(room: Room) -> None:
    state = await room.state()
    step = found(state, TARGET, {NodeId("n1")}, 1000)
    assert step.drop
    await room.store.renew(room.id, ParticipantId("ben"), 1)
    await room.joins("carol")
    await room.store.commit(room.id, step, state.fence)
    after = await room.state()
    (old,) = step.drop
    assert stands(after, "ann") == [(2, "l_new")]
    assert stands(after, "ben") == [(2, old)]
    assert stands(after, "carol") == [(1, old)]
    assert set(after.legs) == {old, "l_new"}
    await room.joins("dave")
    assert stands(await room.state(), "dave") == [(1, "l_new")]


async def test_a_step_of_a_move_that_was_replaced_is_not_made(room: Room) -> None:
    before = await room.moves()
    await room.store.wish(before, Move(id="m2", node=NodeId("n3")))
    with pytest.raises(ChangedMeanwhile):
        await room.store.commit(room.id, over(before, None), before.fence)
    assert stands(await room.state(), "ann") == stands(before, "ann")


async def test_ready_for_an_epoch_that_is_over_counts_for_nothing(room: Room) -> None:
    await room.moves()
    await room.store.ready(room.id, ParticipantId("ann"), 1, 1)
    assert not (await room.state()).people[ParticipantId("ann")].ready


async def test_a_room_that_is_put_back_goes_on_moving(room: Room) -> None:
    moving = await room.moves()
    for part in ("meta", "people", "tracks", "legs", "chat", "chat_text", "replicas", "resume"):
        await room.redis.execute("DEL", room_key(room.id, part))
    await asyncio.gather(
        *(room.store.restore(moving, {each.id: (each, ResumeTokens("hash"))}, []) for each in moving.people.values())
    )
    again = await room.state()
    assert (again.people, again.legs, again.move) == (moving.people, moving.legs, moving.move)
