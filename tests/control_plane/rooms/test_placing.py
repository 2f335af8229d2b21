"""What a room asks of its node, and what is kept of the answers."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from control_plane.clock import SystemClock
from control_plane.errors import NoCapacity
from control_plane.ids import NodeId, RoomId
from control_plane.nodes.registry import NodeRegistry
from control_plane.nodes.selection import Rejection
from control_plane.rooms.decisions import KEPT, NAMED, Decision, DecisionLog, RejectedNodes
from control_plane.rooms.domain import Person, RoomState
from control_plane.rooms.placing import STREAMS_OF_A_NEW_ROOM, RegistryPlacing, Target
from control_plane.rooms.policy import RoomPolicy
from control_plane.state import Redis
from media_adapters.models import Capability
from tests.control_plane.nodes.reports import report
from tests.control_plane.rooms.test_streams import person, room

N1 = NodeId("n1")
ROOM = RoomId("room")


@pytest.fixture
async def registry(redis: Redis) -> AsyncIterator[NodeRegistry]:
    async with NodeRegistry.start(redis) as registry:
        yield registry


@pytest.fixture
def placing(redis: Redis, registry: NodeRegistry) -> RegistryPlacing:
    return RegistryPlacing(registry, DecisionLog(redis), SystemClock())


def in_region(region: str | None, *names: str) -> list[Person]:
    return [person(name).model_copy(update={"region": region}) for name in names]


def relay_only(state: RoomState) -> RoomState:
    return state.model_copy(update={"policy": RoomPolicy(relay_only=True), "incarnation": "another"})


async def test_a_relay_only_room_is_not_put_where_ice_can_not_be_restarted(
    redis: Redis, registry: NodeRegistry, placing: RegistryPlacing
) -> None:
    await registry.store.record(report("n1").model_copy(update={"capabilities": frozenset({Capability.SIMULCAST})}))
    await registry.refresh()
    alice = person("alice")
    assert await placing.first(room(alice), alice) == N1
    with pytest.raises(NoCapacity, match="1 node not able to do what the room needs"):
        await placing.first(relay_only(room(alice)), person("bob"))


async def test_a_room_whose_node_was_lost_goes_where_most_of_its_people_are_with_all_it_carries(
    redis: Redis, registry: NodeRegistry, placing: RegistryPlacing
) -> None:
    for node, region in (("n1", "eu"), ("n2", "us"), ("n3", "us")):
        await registry.store.record(report(node, region=region, capacity=1000))
    await registry.refresh()
    people = [*in_region("eu", "a"), *in_region("us", "b", "c"), *in_region(None, "d", "e", "f")]
    lost = Target(avoid=frozenset({N1}))
    node = await placing.elsewhere(room(*people, sending=("a", "b")), "after:l1", lost)
    assert node in {NodeId("n2"), NodeId("n3")}
    (decision,) = await DecisionLog(redis).of(ROOM)
    assert (decision.purpose, decision.region, decision.streams) == ("move", "us", 2 * 4 + 2 * 2 * 5)


async def test_what_comes_of_nothing_is_given_back(
    redis: Redis, registry: NodeRegistry, placing: RegistryPlacing
) -> None:
    await registry.store.record(report("n1"))
    await registry.refresh()
    alice = person("alice")
    node = await placing.first(room(alice), alice)
    await registry.refresh()
    assert registry.nodes[N1].reserved == STREAMS_OF_A_NEW_ROOM
    await placing.give_back(room(alice), alice, node)
    await registry.refresh()
    assert registry.nodes[N1].reserved == 0


async def test_a_node_or_a_backend_that_was_asked_for_is_taken_and_no_other(
    redis: Redis, registry: NodeRegistry, placing: RegistryPlacing
) -> None:
    for node, backend in (("n1", "janus"), ("n2", "janus"), ("n3", "mediasoup")):
        await registry.store.record(report(node, capacity=1000).model_copy(update={"backend": backend}))
    await registry.refresh()
    state = room(person("alice"))
    assert await placing.elsewhere(state, "mv1:0", Target(node=NodeId("n2"))) == NodeId("n2")
    assert await placing.elsewhere(state, "mv2:0", Target(backend="mediasoup")) == NodeId("n3")
    with pytest.raises(NoCapacity, match="1 node just failed or to be left, 2 nodes other than was asked for"):
        await placing.elsewhere(state, "mv3:0", Target(node=N1, avoid=frozenset({N1})))
    for purpose, node in (("mv1:0", NodeId("n2")), ("mv2:0", NodeId("n3"))):
        await placing.not_there(state, purpose, node)
    await registry.refresh()
    assert {node.reserved for node in registry.nodes.values()} == {0}


async def test_people_get_in_where_the_room_is_also_when_its_node_is_not_known_any_more(
    placing: RegistryPlacing,
) -> None:
    alice = person("alice")
    await placing.join(room(alice), alice)


async def test_a_hundred_who_join_one_room_at_once_never_overfill_its_node(
    redis: Redis, registry: NodeRegistry, placing: RegistryPlacing
) -> None:
    await registry.store.record(report("n1", capacity=500))
    await registry.refresh()
    people = [person(f"p{number}") for number in range(100)]

    async def joins(number: int) -> bool:
        try:
            await placing.join(room(*people[: number + 1]), people[number])
        except NoCapacity:
            return False
        return True

    entered = await asyncio.gather(*(joins(number) for number in range(100)))
    await registry.refresh()
    assert True in entered
    assert False in entered
    assert registry.nodes[N1].reserved <= 500


def decision(number: int, node: NodeId | None = N1) -> Decision:
    rejected = (RejectedNodes(reason=Rejection.FULL, count=1, nodes=(N1,)),)
    return Decision(
        at=number, purpose="first", node=node, streams=6, region=None, region_known=True, capabilities=(),
        candidates=(N1,), rejected=rejected,
    )  # fmt: skip


async def test_the_latest_decisions_are_kept_and_a_vain_one_that_is_repeated_once(redis: Redis) -> None:
    log = DecisionLog(redis)
    for number in range(KEPT + 5):
        await log.record(ROOM, decision(number))
    assert [each.at for each in await log.of(ROOM)] == list(range(KEPT + 4, 4, -1))
    for number in range(100, 130):
        await log.record(ROOM, decision(number, node=None))
    assert [each.at for each in await log.of(ROOM)][:2] == [129, KEPT + 4]
    assert (await log.of(ROOM))[0].rejected == decision(0).rejected
    assert await redis.execute("PTTL", "nv:{room:room}:decisions") > 0


async def test_of_thousands_of_nodes_that_are_full_some_are_named_and_all_counted(
    redis: Redis, registry: NodeRegistry, placing: RegistryPlacing
) -> None:
    await asyncio.gather(*(registry.store.record(report(f"n{number}", capacity=1)) for number in range(200)))
    await registry.refresh()
    alice = person("alice")
    with pytest.raises(NoCapacity, match="200 nodes full"):
        await placing.first(room(alice), alice)
    ((rejected,),) = [each.rejected for each in await DecisionLog(redis).of(ROOM)]
    assert (rejected.count, len(rejected.nodes)) == (200, NAMED)
