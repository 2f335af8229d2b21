"""Nodes and reservations in Redis."""

import asyncio

from control_plane.ids import Incarnation, NodeId, RoomId
from control_plane.nodes.models import Node
from control_plane.nodes.selection import Rejection
from control_plane.nodes.store import Claim, NodeStore
from control_plane.state import Redis
from tests.control_plane.nodes.reports import report

N1, N2 = NodeId("n1"), NodeId("n2")


async def only(store: NodeStore) -> Node:
    (node,) = (await store.view()).nodes
    return node


def claim(room: str, who: str = "") -> Claim:
    return Claim(RoomId(room), Incarnation("i1"), "first", who)


async def reserve(
    store: NodeStore, room: str, streams: int, candidates: list[NodeId], void: tuple[NodeId, ...] | list[NodeId] = ()
) -> NodeId | None:
    return (await store.reserve(claim(room), streams, candidates, void)).node


async def test_a_heartbeat_is_seen_as_it_was_sent(redis: Redis) -> None:
    store = NodeStore(redis)
    sent = report(streams=7, region="us")
    assert await store.record(sent)
    view = await store.view()
    assert view.nodes == (Node.reported(sent, last_heartbeat=view.nodes[0].last_heartbeat, reserved=0),)
    assert 0 <= view.redis_ms - view.nodes[0].last_heartbeat < 1000


async def test_a_heartbeat_is_recorded_once_and_never_after_a_newer_one(redis: Redis) -> None:
    store = NodeStore(redis)
    assert await store.record(report(sequence=9, streams=1))
    assert await store.record(report(sequence=10, streams=2))
    assert not await store.record(report(sequence=10, streams=3))
    assert not await store.record(report(sequence=9, streams=4))
    assert (await only(store)).load.streams == 2


async def test_sequences_with_more_digits_than_a_double_holds_are_told_apart(redis: Redis) -> None:
    store = NodeStore(redis)
    big = 2**63
    assert await store.record(report(sequence=big))
    assert not await store.record(report(sequence=big))
    assert await store.record(report(sequence=big + 1))


async def test_a_reservation_goes_to_the_first_candidate_with_room(redis: Redis) -> None:
    store = NodeStore(redis)
    await store.record(report("n1", streams=95))
    await store.record(report("n2"))
    assert await reserve(store, "one", 6, [N1, N2]) == N2
    assert await reserve(store, "two", 5, [N1, N2]) == N1
    assert await reserve(store, "three", 101, [N1, N2]) is None
    assert await reserve(store, "four", 1, [NodeId("stranger")]) is None
    reserved = {node.id: node.reserved for node in (await store.view()).nodes}
    assert reserved == {N1: 5, N2: 6}


async def test_the_same_reservation_made_twice_counts_once_and_stays_on_its_node(redis: Redis) -> None:
    store = NodeStore(redis)
    await store.record(report("n1"))
    await store.record(report("n2"))
    assert await reserve(store, "same", 5, [N1, N2]) == N1
    assert await reserve(store, "same", 5, [N2, N1]) == N1
    assert await reserve(store, "same", 5, []) == N1
    assert sum(node.reserved for node in (await store.view()).nodes) == 5


async def test_a_reservation_on_a_lost_node_is_made_anew_elsewhere(redis: Redis) -> None:
    store = NodeStore(redis)
    await store.record(report("n1"))
    await store.record(report("n2"))
    assert await reserve(store, "same", 5, [N1]) == N1
    assert await reserve(store, "same", 5, [N2], void=[N1]) == N2


async def test_releasing_gives_the_streams_back_once_and_only_on_its_own_node(redis: Redis) -> None:
    store = NodeStore(redis)
    await store.record(report("n1"))
    await reserve(store, "kept", 3, [N1])
    await reserve(store, "same", 5, [N1])
    assert not await store.release(claim("same"), N2)
    assert await store.release(claim("same"), N1)
    assert not await store.release(claim("same"), N1)
    assert (await only(store)).reserved == 3


async def test_who_joins_the_same_new_room_lands_on_its_node_and_counts_there_for_itself(redis: Redis) -> None:
    store = NodeStore(redis)
    await store.record(report("n1", capacity=10))
    await store.record(report("n2"))
    assert (await store.reserve(claim("new", "alice"), 6, [N1, N2])).node == N1
    assert (await store.reserve(claim("new", "bob"), 4, [N2])).node == N1
    assert (await store.reserve(claim("new", "alice"), 6, [N2])).node == N1
    carol = await store.reserve(claim("new", "carol"), 1, [N2])
    assert (carol.node, carol.refused) == (None, {N1: Rejection.FULL})
    assert {node.id: node.reserved for node in (await store.view()).nodes} == {N1: 10, N2: 0}
    await store.release(claim("new", "alice"), N1)
    assert (await store.reserve(claim("new", "carol"), 1, [N2])).node == N1


async def test_what_is_passed_over_is_named_with_its_reason(redis: Redis) -> None:
    store = NodeStore(redis)
    await store.record(report("n1", streams=99))
    await store.record(report("n2"))
    found = await store.reserve(claim("a"), 2, [NodeId("stranger"), N1, N2])
    assert (found.node, found.refused) == (N2, {NodeId("stranger"): Rejection.SILENT, N1: Rejection.FULL})


async def test_past_its_joins_of_a_second_a_node_gets_no_further_room_but_its_rooms_get_people(redis: Redis) -> None:
    store = NodeStore(redis)
    await store.record(report("n1"))
    await store.record(report("n2"))
    for number in range(3):
        assert (await store.reserve(claim(f"r{number}"), 1, [N1, N2], most_per_s=3)).node == N1
    assert (await store.reserve(claim("r0", "bob"), 1, [N1, N2], most_per_s=3)).node == N1
    spilled = await store.reserve(claim("r3"), 1, [N1, N2], most_per_s=3)
    assert (spilled.node, spilled.refused) == (N2, {N1: Rejection.BUSY})
    assert (await store.reserve(claim("r4"), 1, [N1], most_per_s=3)).node is None
    await asyncio.sleep(1)
    assert (await store.reserve(claim("r4"), 1, [N1], most_per_s=3)).node == N1


async def test_a_view_since_a_moment_has_only_who_reported_since(redis: Redis) -> None:
    store = NodeStore(redis)
    await store.record(report("n1"))
    before = await store.view()
    assert before.count == 1
    await asyncio.sleep(0.002)
    await store.record(report("n2"))
    later = await store.view(before.redis_ms + 1)
    assert ([node.id for node in later.nodes], later.count) == ([N2], 2)


async def test_what_the_measured_load_shows_is_counted_no_more_but_still_found(redis: Redis) -> None:
    store = NodeStore(redis, settling_ms=150)
    await store.record(report("n1"))
    await reserve(store, "old", 5, [N1])
    await store.record(report("n1"))
    assert (await only(store)).reserved == 5  # its streams may not have begun yet
    await asyncio.sleep(0.2)
    await reserve(store, "new", 2, [N1])
    await store.record(report("n1", streams=5))
    node = await only(store)
    assert (node.load.streams, node.reserved) == (5, 2)
    assert await reserve(store, "old", 5, []) == N1
    assert await store.release(claim("old"), N1)
    assert (await only(store)).reserved == 2


async def test_a_reservation_that_nobody_builds_on_lapses(redis: Redis) -> None:
    store = NodeStore(redis, reservation_ms=100)
    await store.record(report("n1", capacity=5))
    assert await reserve(store, "one", 5, [N1]) == N1
    assert await reserve(store, "two", 1, [N1]) is None
    await asyncio.sleep(0.15)
    assert await reserve(store, "two", 1, [N1]) == N1
    assert (await only(store)).reserved == 1


async def test_reservations_leave_no_keys_behind(redis: Redis) -> None:
    store = NodeStore(redis, reservation_ms=50)
    await store.record(report("n1"))
    for number in range(20):
        await reserve(store, f"r{number}", 1, [N1])
    await asyncio.sleep(0.15)
    keys: list[bytes] = await redis.execute("KEYS", "nv:{nodes}:reserv*", key="nv:{nodes}:")
    assert keys == [b"nv:{nodes}:reserved"]  # until the node's next heartbeat
    await store.record(report("n1"))
    assert await redis.execute("EXISTS", "nv:{nodes}:reserved") == 0
