"""Nodes and reservations in Redis."""

import asyncio

from control_plane.ids import NodeId
from control_plane.nodes.models import Node
from control_plane.nodes.store import NodeStore
from control_plane.state import Redis
from tests.control_plane.nodes.reports import report

N1, N2 = NodeId("n1"), NodeId("n2")


async def only(store: NodeStore) -> Node:
    (node,) = (await store.view()).nodes
    return node


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
    assert await store.reserve("one", 6, [N1, N2]) == N2
    assert await store.reserve("two", 5, [N1, N2]) == N1
    assert await store.reserve("three", 101, [N1, N2]) is None
    assert await store.reserve("four", 1, [NodeId("stranger")]) is None
    reserved = {node.id: node.reserved for node in (await store.view()).nodes}
    assert reserved == {N1: 5, N2: 6}


async def test_the_same_reservation_made_twice_counts_once_and_stays_on_its_node(redis: Redis) -> None:
    store = NodeStore(redis)
    await store.record(report("n1"))
    await store.record(report("n2"))
    assert await store.reserve("same", 5, [N1, N2]) == N1
    assert await store.reserve("same", 5, [N2, N1]) == N1
    assert await store.reserve("same", 5, []) == N1
    assert sum(node.reserved for node in (await store.view()).nodes) == 5


async def test_a_reservation_on_a_lost_node_is_made_anew_elsewhere(redis: Redis) -> None:
    store = NodeStore(redis)
    await store.record(report("n1"))
    await store.record(report("n2"))
    assert await store.reserve("same", 5, [N1]) == N1
    assert await store.reserve("same", 5, [N2], void=[N1]) == N2


async def test_releasing_gives_the_streams_back_once_and_only_on_its_own_node(redis: Redis) -> None:
    store = NodeStore(redis)
    await store.record(report("n1"))
    await store.reserve("kept", 3, [N1])
    await store.reserve("same", 5, [N1])
    assert not await store.release("same", N2)
    assert await store.release("same", N1)
    assert not await store.release("same", N1)
    assert (await only(store)).reserved == 3


async def test_what_the_measured_load_shows_is_counted_no_more_but_still_found(redis: Redis) -> None:
    store = NodeStore(redis, settling_ms=150)
    await store.record(report("n1"))
    await store.reserve("old", 5, [N1])
    await store.record(report("n1"))
    assert (await only(store)).reserved == 5  # its streams may not have begun yet
    await asyncio.sleep(0.2)
    await store.reserve("new", 2, [N1])
    await store.record(report("n1", streams=5))
    node = await only(store)
    assert (node.load.streams, node.reserved) == (5, 2)
    assert await store.reserve("old", 5, []) == N1
    assert await store.release("old", N1)
    assert (await only(store)).reserved == 2


async def test_a_reservation_that_nobody_builds_on_lapses(redis: Redis) -> None:
    store = NodeStore(redis, reservation_ms=100)
    await store.record(report("n1", capacity=5))
    assert await store.reserve("one", 5, [N1]) == N1
    assert await store.reserve("two", 1, [N1]) is None
    await asyncio.sleep(0.15)
    assert await store.reserve("two", 1, [N1]) == N1
    assert (await only(store)).reserved == 1


async def test_reservations_leave_no_keys_behind(redis: Redis) -> None:
    store = NodeStore(redis, reservation_ms=50)
    await store.record(report("n1"))
    for number in range(20):
        await store.reserve(f"r{number}", 1, [N1])
    await asyncio.sleep(0.15)
    keys: list[bytes] = await redis.execute("KEYS", "nv:{nodes}:reserv*", key="nv:{nodes}:")
    assert keys == [b"nv:{nodes}:reserved"]  # until the node's next heartbeat
    await store.record(report("n1"))
    assert await redis.execute("EXISTS", "nv:{nodes}:reserved") == 0
