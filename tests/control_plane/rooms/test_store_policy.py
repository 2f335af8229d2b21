"""What a room's policy and its moderators make of its state, in the scripts."""

from typing import Any

import pytest

from control_plane.errors import NotAllowed, NotFound, RoomFull
from control_plane.ids import Identity, Incarnation, ParticipantId, ReplicaId, RoomId, TrackId, new_id
from control_plane.rooms.domain import Person, RoomState, TrackRecord
from control_plane.rooms.errors import LobbyFull, RoomLocked, RoomMissing
from control_plane.rooms.permissions import Permissions
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import ResumeTokens, RoomStore, token_hash
from control_plane.state import Redis
from control_plane.state.keys import room_key
from media_adapters.models import TrackKind, TrackSource

HERE = ReplicaId("here")
PARTS = ("meta", "people", "tracks", "legs", "chat", "chat_text", "replicas", "resume")
CAMERA = TrackId("t_camera01")


@pytest.fixture
def room() -> RoomId:
    return RoomId(new_id("room"))


@pytest.fixture
def store(redis: Redis) -> RoomStore:
    return RoomStore(redis)


def somebody(name: str, **permissions: Any) -> Person:
    return Person(
        id=ParticipantId(f"p_{name}"), identity=Identity(name), name=name, replica=HERE,
        permissions=Permissions(**permissions),
    )  # fmt: skip


async def joins(
    store: RoomStore, room: RoomId, person: Person, policy: RoomPolicy | None = None, incarnation: str = "i"
) -> RoomState:
    return await store.join(room, Incarnation(incarnation), person, person.name, policy or RoomPolicy())


def camera(owner: Person) -> TrackRecord:
    return TrackRecord(id=CAMERA, participant=owner.id, kind=TrackKind.VIDEO, source=TrackSource.CAMERA)


async def test_a_locked_room_is_not_even_made_by_who_may_not_enter(store: RoomStore, room: RoomId) -> None:
    with pytest.raises(RoomLocked):
        await joins(store, room, somebody("ann"), RoomPolicy(locked=True))
    with pytest.raises(RoomMissing):
        await store.snapshot(room)


async def test_the_lobby_is_bounded_and_does_not_count_as_the_room(store: RoomStore, room: RoomId) -> None:
    policy = RoomPolicy(capacity=1, lobby=True, lobby_capacity=1)
    await joins(store, room, somebody("host", moderate=True), policy)
    await joins(store, room, ann := somebody("ann"))
    with pytest.raises(LobbyFull, match="At most 1"):
        await joins(store, room, somebody("bob"))
    with pytest.raises(RoomFull, match="at most 1"):
        await store.admit(room, None, ann.id)
    await store.set_policy(room, policy.model_copy(update={"capacity": 2}))
    await store.admit(room, None, ann.id)
    with pytest.raises(NotFound):
        await store.admit(room, None, ann.id)


async def test_moderators_and_hidden_people_do_not_wait(store: RoomStore, room: RoomId) -> None:
    policy = RoomPolicy(lobby=True)
    for person in (somebody("host", moderate=True), somebody("observer", hidden=True)):
        state = await joins(store, room, person, policy)
        assert not state.people[person.id].lobby


async def test_without_a_lobby_who_came_first_comes_in_first_as_far_as_there_is_room(
    store: RoomStore, room: RoomId
) -> None:
    await joins(store, room, somebody("host", moderate=True), RoomPolicy(lobby=True))
    for name in ("ann", "bob", "eve"):
        await joins(store, room, somebody(name))
    await store.set_policy(room, RoomPolicy(capacity=3))
    state = await store.snapshot(room)
    assert {person.name for person in state.people.values() if person.lobby} == {"eve"}


async def test_who_was_stopped_or_muted_does_not_come_back_by_announcing(store: RoomStore, room: RoomId) -> None:
    host, ann = somebody("host", moderate=True), somebody("ann")
    await joins(store, room, host)
    await joins(store, room, ann)
    await store.change_tracks(room, ann.id, 1, announce=[camera(ann)])
    await store.mute(room, host, ann.id, source=TrackSource.CAMERA)
    await store.change_tracks(room, ann.id, 1, announce=[camera(ann)])
    assert (await store.snapshot(room)).tracks[CAMERA].muted
    await store.stop(room, host, ann.id, CAMERA)
    await store.change_tracks(room, ann.id, 1, announce=[camera(ann)])
    assert not (await store.snapshot(room)).tracks
    with pytest.raises(NotAllowed):
        await store.mute(room, ann, host.id, source=TrackSource.CAMERA)


async def test_the_latest_rules_hold_whichever_replica_is_first_to_put_the_room_back(
    redis: Redis, store: RoomStore, room: RoomId
) -> None:
    host = somebody("host", moderate=True)
    stale = await joins(store, room, host)
    await store.lock(room, host, True)
    fresh = await store.snapshot(room)
    await redis.execute("DEL", *(room_key(room, part) for part in PARTS))
    await store.restore(stale, {}, [])
    await store.restore(fresh, {host.id: (host, ResumeTokens(token_hash("host")))}, [])
    assert (await store.snapshot(room)).policy.locked
    await redis.execute("DEL", *(room_key(room, part) for part in PARTS))
    await store.restore(fresh, {}, [])
    await store.restore(stale, {host.id: (host, ResumeTokens(token_hash("host")))}, [])
    assert (await store.snapshot(room)).policy.locked


async def test_who_slipped_in_while_the_lock_was_forgotten_has_to_ask_again(
    redis: Redis, store: RoomStore, room: RoomId
) -> None:
    host = somebody("host", moderate=True)
    await joins(store, room, host)
    await store.lock(room, host, True)
    known = await store.snapshot(room)
    await redis.execute("DEL", *(room_key(room, part) for part in PARTS))
    await joins(store, room, somebody("late"), incarnation="i_newer")
    await store.restore(known, {host.id: (host, ResumeTokens(token_hash("host")))}, [])
    state = await store.snapshot(room)
    assert (state.incarnation, set(state.people)) == ("i", {host.id})
