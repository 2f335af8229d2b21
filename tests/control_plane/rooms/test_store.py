"""The room's scripts against a real Redis, plain and in cluster mode."""

import asyncio
import json

import pytest

from control_plane.errors import Conflict, NotFound, ResumeRefused, RoomFull
from control_plane.ids import Identity, Incarnation, LegId, NodeId, ParticipantId, ReplicaId, RoomId, TrackId, new_id
from control_plane.rooms.domain import DELTA, Delta, Leg, Person, PersonChanged, PersonGone, RoomState, TrackRecord
from control_plane.rooms.errors import RoomGone, RoomMissing, Superseded, TokenReused
from control_plane.rooms.mirror import Mirror
from control_plane.rooms.placement.machine import found
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import ResumeTokens, RoomStore, token_hash
from control_plane.state import Redis
from control_plane.state.keys import inbox, room_key
from media_adapters.models import TrackKind, TrackSource

ROOM = RoomId(new_id("room"))
HERE, THERE = ReplicaId("here"), ReplicaId("there")


@pytest.fixture(autouse=True)
def a_room_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster may still be passing on what an earlier test published."""
    monkeypatch.setitem(globals(), "ROOM", RoomId(new_id("room")))


@pytest.fixture
def store(redis: Redis) -> RoomStore:
    return RoomStore(redis)


def somebody(name: str, replica: ReplicaId = HERE, identity: str | None = None) -> Person:
    return Person(id=ParticipantId(f"p_{name}"), identity=Identity(identity or name), name=name, replica=replica)


async def join(store: RoomStore, name: str, replica: ReplicaId = HERE, *, capacity: int = 10) -> RoomState:
    return await store.join(
        ROOM, Incarnation("i_first"), somebody(name, replica), f"token of {name}", RoomPolicy(capacity=capacity)
    )


def camera(owner: str, name: str = "t_camera01") -> TrackRecord:
    return TrackRecord(
        id=TrackId(name), participant=ParticipantId(f"p_{owner}"), kind=TrackKind.VIDEO, source=TrackSource.CAMERA
    )


class Inbox:
    """What a replica hears."""

    def __init__(self, redis: Redis, replica: ReplicaId) -> None:
        self._messages: asyncio.Queue[bytes] = asyncio.Queue()
        self._subscription = redis.subscribe(inbox(replica), self._messages.put_nowait, lambda: None)

    async def ready(self) -> "Inbox":
        await self._subscription.ready()
        return self

    async def next(self) -> Delta:
        async with asyncio.timeout(5):
            while (delta := DELTA.validate_json(await self._messages.get())).room != ROOM:
                pass
            return delta


async def test_first_join_makes_the_room_and_takes_the_lease(store: RoomStore) -> None:
    state = await join(store, "alice")

    assert state.incarnation == "i_first"
    assert state.version == 1
    assert state.driver == HERE
    assert state.fence > 0
    assert state.people[ParticipantId("p_alice")].topology == "waiting"


async def test_a_later_join_keeps_the_incarnation_and_gets_the_leg(store: RoomStore) -> None:
    first = await join(store, "alice")
    leg, _ = await store.place(ROOM, first.incarnation, NodeId("n1"))

    state = await store.join(ROOM, Incarnation("i_other"), somebody("bob", THERE), "token", RoomPolicy())

    assert state.incarnation == "i_first"
    bob = state.people[ParticipantId("p_bob")]
    assert (bob.epoch, bob.topology, bob.leg) == (1, "sfu", leg.id)
    assert state.driver == HERE


async def test_room_takes_no_more_than_its_capacity(store: RoomStore) -> None:
    await join(store, "alice", capacity=1)

    with pytest.raises(RoomFull, match="at most 1"):
        await join(store, "bob", capacity=1)


async def test_every_change_reaches_each_replica_with_a_contiguous_version(redis: Redis, store: RoomStore) -> None:
    here, there = await Inbox(redis, HERE).ready(), await Inbox(redis, THERE).ready()
    state = await join(store, "alice", HERE)
    await join(store, "bob", THERE)
    await store.say(ROOM, ParticipantId("p_bob"), 1, "m_00000001", "hello")

    heard_here = [await here.next() for _ in range(3)]
    heard_there = [await there.next() for _ in range(2)]

    assert [delta.version for delta in heard_here] == [1, 2, 3]
    assert [delta.version for delta in heard_there] == [2, 3]
    mirror = Mirror(state)
    for delta in heard_here:
        mirror.apply(delta)
    assert mirror.state.model_copy(update={"driver": state.driver, "fence": state.fence}) == await store.snapshot(ROOM)


async def test_a_replica_without_participants_is_not_told(redis: Redis, store: RoomStore) -> None:
    there = await Inbox(redis, THERE).ready()
    await join(store, "alice", HERE)
    await join(store, "bob", THERE)
    await store.leave(ROOM, ParticipantId("p_bob"), 1, "left")
    await store.say(ROOM, ParticipantId("p_alice"), 1, "m_00000001", "nobody there hears this")
    await join(store, "carol", THERE)

    versions = [(await there.next()).version for _ in range(3)]

    assert versions == [2, 3, 5]


async def test_two_first_placements_agree_on_one_node(store: RoomStore) -> None:
    state = await join(store, "alice", HERE)
    await join(store, "bob", THERE)

    placed = await asyncio.gather(
        store.place(ROOM, state.incarnation, NodeId("n1")), store.place(ROOM, state.incarnation, NodeId("n2"))
    )

    assert len({leg.id for leg, _ in placed}) == 1
    after = await store.snapshot(ROOM)
    assert {person.epoch for person in after.people.values()} == {1}
    assert {person.leg for person in after.people.values()} == {placed[0][0].id}


async def test_the_same_identity_takes_the_place_of_its_earlier_presence(redis: Redis, store: RoomStore) -> None:
    there = await Inbox(redis, THERE).ready()
    await store.join(ROOM, Incarnation("i"), somebody("old", THERE, identity="ann"), "t", RoomPolicy())
    await store.change_tracks(ROOM, ParticipantId("p_old"), 1, announce=[camera("old")])

    state = await store.join(ROOM, Incarnation("i"), somebody("new", HERE, identity="ann"), "t", RoomPolicy())

    assert set(state.people) == {"p_new"}
    assert not state.tracks
    last = [await there.next() for _ in range(3)][-1]
    assert any(isinstance(change, PersonGone) and change.reason == "replaced" for change in last.changes)


async def test_replacing_oneself_works_in_a_full_room(store: RoomStore) -> None:
    await store.join(ROOM, Incarnation("i"), somebody("old", identity="ann"), "t", RoomPolicy(capacity=1))
    state = await store.join(ROOM, Incarnation("i"), somebody("new", identity="ann"), "t", RoomPolicy(capacity=1))
    assert set(state.people) == {"p_new"}


async def test_resume_raises_the_generation_and_moves_to_the_new_replica(redis: Redis, store: RoomStore) -> None:
    here = await Inbox(redis, HERE).ready()
    await join(store, "alice", HERE)

    state = await store.resume(ROOM, ParticipantId("p_alice"), "token of alice", "next", THERE)

    alice = state.people[ParticipantId("p_alice")]
    assert (alice.generation, alice.replica) == (2, THERE)
    heard = [await here.next() for _ in range(2)]
    moved = heard[1].changes[0]
    assert isinstance(moved, PersonChanged)
    assert moved.person.generation == 2
    with pytest.raises(Superseded):
        await store.say(ROOM, ParticipantId("p_alice"), 1, "m_00000001", "from the old connection")


async def test_a_resume_token_may_be_shown_again_until_its_successor_is_confirmed(store: RoomStore) -> None:
    await join(store, "alice")
    await store.resume(ROOM, ParticipantId("p_alice"), "token of alice", "lost reply", HERE)

    state = await store.resume(ROOM, ParticipantId("p_alice"), "token of alice", "second", HERE)

    assert state.people[ParticipantId("p_alice")].generation == 3
    with pytest.raises(ResumeRefused):
        await store.resume(ROOM, ParticipantId("p_alice"), "lost reply", "third", HERE)


async def test_a_spent_resume_token_ends_the_place_for_both(redis: Redis, store: RoomStore) -> None:
    here = await Inbox(redis, HERE).ready()
    await join(store, "alice")
    await store.resume(ROOM, ParticipantId("p_alice"), "token of alice", "second", HERE)
    await store.confirm(ROOM, ParticipantId("p_alice"), 2)

    with pytest.raises(TokenReused):
        await store.resume(ROOM, ParticipantId("p_alice"), "token of alice", "thief's", THERE)

    assert [(await here.next()).changes[0].op for _ in range(3)] == ["person", "person", "token_reused"]
    with pytest.raises(ResumeRefused):
        await store.resume(ROOM, ParticipantId("p_alice"), "second", "third", HERE)


async def test_a_stranger_to_the_room_resumes_nothing(store: RoomStore) -> None:
    await join(store, "alice")
    with pytest.raises(ResumeRefused):
        await store.resume(ROOM, ParticipantId("p_alice"), "guessed", "next", HERE)
    with pytest.raises(ResumeRefused):
        await store.resume(ROOM, ParticipantId("p_nobody"), "token of alice", "next", HERE)


async def test_chat_said_twice_with_one_id_is_said_once(store: RoomStore) -> None:
    await join(store, "alice")
    once = await store.say(ROOM, ParticipantId("p_alice"), 1, "m_00000001", "hello")
    again = await store.say(ROOM, ParticipantId("p_alice"), 1, "m_00000001", "hello")
    state = await store.snapshot(ROOM)
    assert once == again
    assert state.chat == (once,)
    assert state.version == 2


async def test_chat_of_another_cannot_be_claimed(store: RoomStore) -> None:
    await join(store, "alice")
    await join(store, "bob")
    await store.say(ROOM, ParticipantId("p_alice"), 1, "m_00000001", "hello")
    with pytest.raises(Conflict):
        await store.say(ROOM, ParticipantId("p_bob"), 1, "m_00000001", "hello")


async def test_chat_keeps_the_latest_hundred(redis: Redis, store: RoomStore) -> None:
    await join(store, "alice")
    for number in range(105):
        await store.say(ROOM, ParticipantId("p_alice"), 1, f"m_{number:08}", str(number))
    state = await store.snapshot(ROOM)
    assert [message.text for message in state.chat] == [str(number) for number in range(5, 105)]
    assert await redis.execute("HLEN", room_key(ROOM, "chat_text")) == 100


async def test_tracks_are_announced_changed_and_ended_by_their_owner_only(store: RoomStore) -> None:
    await join(store, "alice")
    await join(store, "bob")
    track = camera("alice")
    await store.change_tracks(ROOM, ParticipantId("p_alice"), 1, announce=[track])
    await store.change_tracks(ROOM, ParticipantId("p_alice"), 1, patch={track.id: {"muted": True}})

    assert (await store.snapshot(ROOM)).tracks[track.id].muted
    with pytest.raises(Conflict):
        await store.change_tracks(ROOM, ParticipantId("p_bob"), 1, announce=[camera("bob")])
    with pytest.raises(NotFound):
        await store.change_tracks(ROOM, ParticipantId("p_bob"), 1, patch={track.id: {"muted": False}})
    await store.change_tracks(ROOM, ParticipantId("p_bob"), 1, ended=[track.id])
    assert track.id in (await store.snapshot(ROOM)).tracks
    await store.change_tracks(ROOM, ParticipantId("p_alice"), 1, ended=[track.id])
    assert not (await store.snapshot(ROOM)).tracks


async def test_what_is_so_already_changes_no_version(store: RoomStore) -> None:
    await join(store, "alice")
    await store.change_tracks(ROOM, ParticipantId("p_alice"), 1, announce=[camera("alice")])
    before = await store.snapshot(ROOM)
    await store.change_tracks(
        ROOM, ParticipantId("p_alice"), 1, announce=[camera("alice")], patch={TrackId("t_camera01"): {"muted": False}}
    )
    assert (await store.snapshot(ROOM)).version == before.version


async def test_leaving_takes_ones_tracks_along(store: RoomStore) -> None:
    await join(store, "alice")
    await join(store, "bob")
    await store.change_tracks(ROOM, ParticipantId("p_alice"), 1, announce=[camera("alice")])
    await store.leave(ROOM, ParticipantId("p_alice"), 1, "left")
    state = await store.snapshot(ROOM)
    assert set(state.people) == {"p_bob"}
    assert not state.tracks


async def test_a_stale_reaper_does_not_remove_who_resumed(store: RoomStore) -> None:
    await join(store, "alice")
    await store.detach(ROOM, ParticipantId("p_alice"), 1)
    await store.resume(ROOM, ParticipantId("p_alice"), "token of alice", "next", THERE)
    with pytest.raises(Superseded):
        await store.leave(ROOM, ParticipantId("p_alice"), 1, "connection_lost")


async def test_an_empty_room_runs_out_and_leaves_no_key(redis: Redis, store: RoomStore) -> None:
    await join(store, "alice")
    await store.place(ROOM, Incarnation("i_first"), NodeId("n1"))
    await store.leave(ROOM, ParticipantId("p_alice"), 1, "left")
    for part in ("meta", "legs"):
        assert 0 < await redis.execute("PTTL", room_key(ROOM, part)) <= 30_000
    for part in ("people", "tracks", "replicas", "resume"):
        assert await redis.execute("EXISTS", room_key(ROOM, part)) == 0


async def test_the_lease_passes_on_when_given_up_and_its_fence_grows(store: RoomStore) -> None:
    first = (await join(store, "alice", HERE)).fence
    assert (await store.tend(ROOM, THERE)).driver == HERE
    await store.release(ROOM, HERE)
    taken = await store.tend(ROOM, THERE)
    assert taken.driver == THERE
    assert taken.fence > first
    assert (await store.tend(ROOM, HERE)).driver == THERE


async def test_the_fence_grows_past_what_an_emptied_redis_has_forgotten(redis: Redis, store: RoomStore) -> None:
    before = (await join(store, "alice")).fence
    await empty(redis)
    await asyncio.sleep(0.002)  # no Redis comes back in the millisecond in which it went
    assert (await join(store, "alice")).fence > before


async def test_who_was_taken_for_dead_is_attached_again(store: RoomStore) -> None:
    await join(store, "alice")
    await store.detach(ROOM, ParticipantId("p_alice"), 1)
    await store.attach(ROOM, ParticipantId("p_alice"), 1, HERE)
    alice = (await store.snapshot(ROOM)).people[ParticipantId("p_alice")]
    assert (alice.connected, alice.replica, alice.gone_at) == (True, HERE, None)
    await store.resume(ROOM, ParticipantId("p_alice"), "token of alice", "next", THERE)
    with pytest.raises(Superseded):
        await store.attach(ROOM, ParticipantId("p_alice"), 1, HERE)


async def test_a_driver_that_lost_the_lease_moves_nothing(store: RoomStore) -> None:
    await join(store, "alice")
    await store.place(ROOM, Incarnation("i_first"), NodeId("n1"))
    state = await store.snapshot(ROOM)
    step = found(state, Leg(id=LegId("l_new"), node=NodeId("n2")), {NodeId("n1")}, 1)
    await store.release(ROOM, HERE)
    fence = (await store.tend(ROOM, THERE)).fence
    with pytest.raises(Superseded):
        await store.commit(ROOM, step, fence=state.fence)
    await store.commit(ROOM, step, fence=fence)
    after = await store.snapshot(ROOM)
    assert [leg.node for leg in after.legs.values()] == ["n2"]
    assert after.people[ParticipantId("p_alice")].epoch == 2


async def test_a_closed_room_is_told_from_a_lost_one(redis: Redis, store: RoomStore) -> None:
    state = await join(store, "alice")
    await store.close(ROOM, state.incarnation)
    with pytest.raises(RoomGone):
        await store.tend(ROOM, HERE)
    with pytest.raises(RoomMissing):
        await store.tend(RoomId("never"), HERE)


async def empty(redis: Redis) -> None:
    for part in ("meta", "people", "tracks", "legs", "chat", "chat_text", "replicas", "resume"):
        await redis.execute("DEL", room_key(ROOM, part))


async def test_two_replicas_put_a_lost_room_together_again(redis: Redis, store: RoomStore) -> None:
    first = await join(store, "alice", HERE)
    await store.place(ROOM, first.incarnation, NodeId("n1"))
    await join(store, "bob", THERE)
    await store.change_tracks(ROOM, ParticipantId("p_bob"), 1, announce=[camera("bob")])
    await store.say(ROOM, ParticipantId("p_alice"), 1, "m_00000001", "hello")
    whole = await store.snapshot(ROOM)
    await empty(redis)

    for name in ("alice", "bob"):
        person = whole.people[ParticipantId(f"p_{name}")]
        tracks = [track for track in whole.tracks.values() if track.participant == person.id]
        tokens = ResumeTokens(token_hash(f"token of {name}"))
        await store.restore(whole, {person.id: (person, tokens)}, tracks)

    again = await store.snapshot(ROOM)
    assert (again.people, again.tracks, again.legs, again.chat) == (
        whole.people, whole.tracks, whole.legs, whole.chat,
    )  # fmt: skip
    assert again.incarnation == whole.incarnation
    assert again.version > whole.version
    assert again.fence >= whole.fence
    resumed = await store.resume(ROOM, ParticipantId("p_bob"), "token of bob", "next", THERE)
    assert resumed.people[ParticipantId("p_bob")].generation == 2


async def test_who_started_a_newer_room_meanwhile_is_moved_into_the_older_one(redis: Redis, store: RoomStore) -> None:
    first = await join(store, "alice", HERE)
    leg, _ = await store.place(ROOM, first.incarnation, NodeId("n1"))
    whole = await store.snapshot(ROOM)
    await empty(redis)
    await asyncio.sleep(0.002)  # created_at is in ms: the newer room must be newer
    await store.join(ROOM, Incarnation("i_newer"), somebody("carol", THERE), "t", RoomPolicy())
    await store.place(ROOM, Incarnation("i_newer"), NodeId("n2"))

    alice = whole.people[ParticipantId("p_alice")]
    await store.restore(whole, {alice.id: (alice, ResumeTokens("hash"))}, [])

    again = await store.snapshot(ROOM)
    assert again.incarnation == whole.incarnation
    assert set(again.legs) == {leg.id}
    carol = again.people[ParticipantId("p_carol")]
    assert (carol.leg, carol.epoch) == (LegId(leg.id), 2)
    newer = whole.model_copy(update={"incarnation": Incarnation("i_late"), "created_at": whole.created_at + 1})
    with pytest.raises(Superseded):
        await store.restore(newer, {}, [])


async def test_resume_tokens_are_stored_as_hashes_only(redis: Redis, store: RoomStore) -> None:
    await join(store, "alice")
    raw = await redis.execute("HGET", room_key(ROOM, "resume"), "p_alice")
    assert "token of alice" not in raw.decode()
    assert json.loads(raw)["current"] == token_hash("token of alice")
