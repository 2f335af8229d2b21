"""Many rooms on many nodes, on the real code and a real Redis: how evenly they spread, and that nothing overflows."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random

import pytest

from control_plane.ids import Incarnation, NodeId, RoomId
from control_plane.nodes.models import Need
from control_plane.nodes.registry import NodeRegistry
from control_plane.nodes.store import Claim, NodeStore
from control_plane.state import Redis
from tests.control_plane.nodes.reports import report
from tests.support.redis import RedisTarget

LIFE = Incarnation("i1")
EVERYTHING_SETTLED = 0
ROOM_STREAMS = 6


@pytest.fixture
async def replicas(redis_target: RedisTarget) -> AsyncIterator[list[NodeRegistry]]:
    """Four, each with its own connection and its own dice, and no bound on joins in a second."""
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(redis_target.connect()) for _ in range(4)]
        yield [NodeRegistry(redis, random=Random(seed), most_joins_per_s=0) for seed, redis in enumerate(connections)]


async def test_ten_thousand_rooms_spread_over_a_hundred_nodes_to_within_a_tenth(
    redis: Redis, replicas: list[NodeRegistry]
) -> None:
    """Nodes report what they carry after every hundred rooms, as in a busy second; replicas know each other's rooms
    from these reports only."""
    agents = NodeStore(redis, settling_ms=EVERYTHING_SETTLED)
    names = [NodeId(f"n{number}") for number in range(100)]
    rooms: Counter[NodeId] = Counter()

    async def report_all() -> None:
        loads = {name: rooms[name] * ROOM_STREAMS for name in names}
        await asyncio.gather(*(agents.record(report(name, streams=loads[name], capacity=100_000)) for name in names))

    async def place(number: int) -> NodeId:
        claim = Claim(RoomId(f"room{number}"), LIFE, "first")
        return (await replicas[number % 4].reserve(claim, Need(ROOM_STREAMS))).expect_node()

    for begin in range(0, 10_000, 100):
        await report_all()
        await asyncio.gather(*(replica.refresh() for replica in replicas))
        rooms.update(await asyncio.gather(*map(place, range(begin, begin + 100))))
    assert rooms.total() == 10_000
    assert max(rooms.values()) <= 1.1 * rooms.total() / len(names)


async def test_a_burst_of_a_thousand_joins_at_four_replicas_never_exceeds_a_nodes_capacity(
    redis: Redis, replicas: list[NodeRegistry]
) -> None:
    """Of 250 rooms' four people each, at whichever replica; a person more takes more streams. Ten nodes have room for
    most of them."""
    capacity, streams = 900, (6, 8, 12, 16)
    agents = NodeStore(redis, settling_ms=60_000)

    async def report_all() -> None:
        await asyncio.gather(*(agents.record(report(f"n{number}", capacity=capacity)) for number in range(10)))

    async def go_on_reporting() -> None:
        while True:
            await report_all()
            await asyncio.sleep(0.5)

    await report_all()
    reporting = asyncio.create_task(go_on_reporting())
    held: Counter[NodeId] = Counter()
    refused = 0

    async def join(room: int, person: int) -> None:
        nonlocal refused
        claim = Claim(RoomId(f"room{room}"), LIFE, "first", f"p{person}")
        outcome = await replicas[(room + person) % 4].reserve(claim, Need(streams[person]))
        if outcome.node is None:
            refused += 1
        else:
            held[outcome.node] += streams[person]

    await asyncio.gather(*(join(room, person) for person in range(4) for room in range(250)))
    reporting.cancel()
    view = await agents.view()
    assert {node.id: node.reserved for node in view.nodes} == dict(held)
    assert max(held.values()) <= capacity
    assert held.total() > 0.9 * 10 * capacity
    assert refused > 0
