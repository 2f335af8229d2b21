"""Reserving from several replicas at once, and a registry that lives through Redis' troubles."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from structlog.testing import capture_logs

from control_plane.errors import ControlPlaneError, NoCapacity, Unavailable
from control_plane.ids import Incarnation, NodeId, RoomId
from control_plane.nodes.evidence import Cause
from control_plane.nodes.models import Need
from control_plane.nodes.registry import NodeRegistry
from control_plane.nodes.rpc import Lost
from control_plane.nodes.selection import Rejection
from control_plane.nodes.store import Claim
from control_plane.state import Redis
from tests.control_plane.nodes.reports import report
from tests.support.redis import RedisTarget, running_redis

ROOM, LIFE = RoomId("room"), Incarnation("i1")
N1, N2 = NodeId("n1"), NodeId("n2")
NO_LIMIT = 0


async def heard(redis: Redis, *nodes: str, capacity: int = 100) -> None:
    registry = NodeRegistry(redis)
    for node in nodes:
        await registry.store.record(report(node, capacity=capacity))


async def placed_by(registry: NodeRegistry, room: str = ROOM, streams: int = 1) -> NodeId:
    """Raises `NoCapacity`."""
    return (await registry.reserve(Claim(RoomId(room), LIFE, "first"), Need(streams=streams))).expect_node()


@asynccontextmanager
async def replicas(target: RedisTarget, count: int) -> AsyncIterator[list[NodeRegistry]]:
    """Registries of as many replicas, each with its own connection to Redis."""
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(target.connect()) for _ in range(count)]
        yield [
            await stack.enter_async_context(NodeRegistry.start(redis, most_joins_per_s=NO_LIMIT))
            for redis in connections
        ]


async def test_a_thousand_reservations_from_four_replicas_never_overfill_a_node(
    redis: Redis, redis_target: RedisTarget
) -> None:
    await heard(redis, "n1", "n2", "n3", capacity=400)  # 1,200 streams for 1,000 times 2
    async with replicas(redis_target, 4) as registries:

        async def reserve(number: int) -> NodeId | None:
            try:
                return await placed_by(registries[number % 4], f"room{number}", 2)
            except NoCapacity:
                return None

        placed = Counter(await asyncio.gather(*(reserve(number) for number in range(1000))))
    assert placed == {N1: 200, N2: 200, NodeId("n3"): 200, None: 400}


async def test_two_replicas_that_place_the_same_room_at_the_same_instant_choose_one_node(
    redis: Redis, redis_target: RedisTarget
) -> None:
    await heard(redis, *(f"n{number}" for number in range(8)), capacity=10_000)
    async with replicas(redis_target, 2) as (one, other):
        rooms = [f"room{number}" for number in range(300)]
        chosen = await asyncio.gather(*(placed_by(replica, room) for room in rooms for replica in (one, other)))
        assert chosen[::2] == chosen[1::2]
        assert sum(node.reserved for node in (await one.store.view()).nodes) == len(rooms)


async def test_another_life_or_purpose_of_a_room_reserves_for_itself(redis: Redis) -> None:
    await heard(redis, "n1")
    registry = NodeRegistry(redis)
    for life, purpose in ((LIFE, "first"), (LIFE, "epoch2"), (Incarnation("i2"), "first")):
        await registry.reserve(Claim(ROOM, life, purpose), Need(streams=1))
    await registry.refresh()
    assert registry.nodes[N1].reserved == 3
    await registry.release(Claim(ROOM, LIFE, "epoch2"), N1)
    await registry.refresh()
    assert registry.nodes[N1].reserved == 2


async def test_a_burst_on_one_replica_spreads_before_any_node_reports_again(redis: Redis) -> None:
    await heard(redis, *(f"n{number}" for number in range(4)), capacity=1000)
    async with NodeRegistry.start(redis) as registry:
        placed = Counter([await placed_by(registry, f"room{number}", 5) for number in range(200)])
    assert min(placed.values()) > 40


async def test_no_capacity_says_why(redis: Redis) -> None:
    registry = NodeRegistry(redis)
    with pytest.raises(NoCapacity, match="No media node has reported"):
        await placed_by(registry)
    await heard(redis, "n1", "n2", capacity=1)
    await heard(redis, "n3")
    registry.rpc_lost(NodeId("n3"), Lost.REFUSED)
    with pytest.raises(NoCapacity) as caught:
        await placed_by(registry, ROOM, 2)
    assert caught.value.message == "No media node can take this now: 2 nodes full, 1 node just failed or to be left."
    assert caught.value.retryable


async def test_a_node_whose_process_is_gone_is_not_chosen_even_by_those_who_reserved_it(redis: Redis) -> None:
    await heard(redis, "n1")
    async with NodeRegistry.start(redis) as registry:
        assert await placed_by(registry) == N1
        await heard(redis, "n2")
        told = asyncio.Event()
        registry.on_verdict(told.set)
        with capture_logs() as logs:
            registry.rpc_lost(N1, Lost.REFUSED)
        assert told.is_set()
        assert registry.is_lost(N1)
        assert [(entry["event"], entry["cause"]) for entry in logs] == [("node_lost", Cause.REFUSED)]
        assert await placed_by(registry) == N2
        registry.rpc_connected(N1)
        assert not registry.is_lost(N1)


async def test_a_node_that_was_lost_and_is_back_gets_rooms_only_when_nobody_else_can_take_them(redis: Redis) -> None:
    await heard(redis, "n1", "n2", capacity=30)
    async with NodeRegistry.start(redis) as registry:
        registry.rpc_lost(N1, Lost.REFUSED)
        registry.rpc_connected(N1)
        assert not registry.is_lost(N1)
        outcomes = [
            await registry.reserve(Claim(RoomId(f"room{number}"), LIFE, "first"), Need(streams=10))
            for number in range(6)
        ]
    assert [outcome.node for outcome in outcomes] == [N2, N2, N2, N1, N1, N1]
    assert outcomes[0].rejected == {N1: Rejection.FLAPPING}
    assert outcomes[3].rejected == {N2: Rejection.FULL}


async def test_a_node_is_there_from_its_first_report_to_its_removal(redis: Redis) -> None:
    async with NodeRegistry.start(redis) as registry:
        assert registry.nodes == {}
        await heard(redis, "n1", "n2")
        await registry.refresh()
        assert registry.nodes.keys() == {N1, N2}
        for name in ("reports", "meters"):
            await redis.execute("HDEL", f"nv:{{nodes}}:{name}", "n1", key="nv:{nodes}:")
        await registry.refresh()
        assert registry.nodes.keys() == {N2}


@pytest.mark.parametrize("why", [Lost.SFU_DOWN, None])
async def test_a_dead_sfu_is_known_from_the_event_as_from_the_closed_connection(why: Lost | None, redis: Redis) -> None:
    registry = NodeRegistry(redis)
    if why is None:
        registry.sfu_died(N1)
    else:
        registry.rpc_lost(N1, why)
    assert registry.verdict.lost == {N1: Cause.SFU_DIED}


async def test_many_refusals_at_once_raise_an_alarm_and_lose_nothing(redis: Redis) -> None:
    names = [NodeId(f"n{number}") for number in range(6)]
    await heard(redis, *names)
    async with NodeRegistry.start(redis) as registry:
        with capture_logs() as logs:
            for name in names[:4]:
                registry.rpc_lost(name, Lost.REFUSED)
        assert registry.verdict.lost == {}
        assert registry.verdict.held == set(names[:4])
        assert "many_nodes_look_lost" in [entry["event"] for entry in logs]


@pytest.mark.faults
async def test_nodes_reappear_in_an_emptied_redis_with_their_next_heartbeat() -> None:
    async with running_redis() as server, Redis.connect(server.url) as redis:
        await heard(redis, "n1")
        async with NodeRegistry.start(redis) as registry:
            lost, back = asyncio.Event(), asyncio.Event()
            redis.on_lost(lost.set)
            redis.on_connected(back.set)
            server.kill()
            await lost.wait()
            with pytest.raises(Unavailable):
                await placed_by(registry)
            assert not registry.silence_counts
            await server.restart_empty()
            await asyncio.wait_for(back.wait(), 3)
            with pytest.raises(NoCapacity):
                await placed_by(registry, "second")
            assert not registry.is_lost(N1)
            await heard(redis, "n1")
            assert await placed_by(registry, "second") == N1
            assert not registry.silence_counts


@pytest.mark.faults
async def test_the_view_goes_on_by_itself_after_redis_was_away() -> None:
    async with running_redis() as server, Redis.connect(server.url) as redis, NodeRegistry.start(redis) as registry:
        await server.restart_empty()
        async with asyncio.timeout(8):
            while N1 not in registry.nodes:
                try:
                    await heard(redis, "n1")
                except ControlPlaneError:
                    assert not redis.connected
                await asyncio.sleep(0.05)


async def test_a_removed_node_is_lost_at_once_and_raises_no_alarm_however_many_there_are(redis: Redis) -> None:
    names = [NodeId(f"n{number}") for number in range(6)]
    await heard(redis, *names)
    async with NodeRegistry.start(redis) as registry:
        told = asyncio.Event()
        registry.on_verdict(told.set)
        registry.decided(draining=frozenset(), removed=frozenset(names[:4]))
        assert told.is_set()
        for name in names[:4]:
            registry.rpc_lost(name, Lost.REFUSED)
            assert registry.is_lost(name)
        assert registry.verdict.held == frozenset()
        await registry.refresh()
        assert set(registry.nodes) == set(names[4:])
        registry.decided(draining=frozenset(), removed=frozenset())
        assert not registry.is_lost(names[0])


async def test_a_room_goes_to_no_node_that_drains_and_an_operator_is_told_when_all_do(redis: Redis) -> None:
    await heard(redis, "n1", "n2")
    async with NodeRegistry.start(redis) as registry:
        registry.decided(draining=frozenset({N1}), removed=frozenset())
        for number in range(9):
            assert await placed_by(registry, f"room{number}") == N2
        registry.decided(draining=frozenset({N1, N2}), removed=frozenset())
        with pytest.raises(NoCapacity, match="2 nodes draining"):
            await placed_by(registry)
