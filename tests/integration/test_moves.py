"""Rooms that move from node to node, over real replicas, Redis and RPC; the nodes carry no media."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from control_plane.errors import Conflict, NoCapacity, NotFound
from control_plane.ids import NodeId, RoomId
from control_plane.nodes.registry import NodeRegistry
from control_plane.rooms.domain import RoomState
from control_plane.rooms.moving import Mover
from control_plane.rooms.placing import Target
from control_plane.rooms.store import RoomStore
from control_plane.state import Redis
from media_adapters.events import TrackStopped
from media_adapters.models import PeerRef
from tests.support.client import Client, RequestFailed, connected
from tests.support.inprocess import LocalNode, LocalReplica, local_node, local_replica
from tests.support.offers import offer, track_id
from tests.support.redis import RedisTarget

ROOM = RoomId("demo")


@dataclass(frozen=True)
class Floor:
    """One replica, two nodes, of which the room is on one."""

    replica: LocalReplica
    store: RoomStore
    mover: Mover
    nodes: dict[str, LocalNode]

    async def state(self) -> RoomState:
        return await self.store.snapshot(ROOM)

    async def home(self) -> LocalNode:
        home = (await self.state()).home
        assert home is not None
        return self.nodes[home.node]

    async def other(self) -> LocalNode:
        home = await self.home()
        return next(node for node in self.nodes.values() if node is not home)

    async def moves(self) -> LocalNode:
        """Ask for the move to the other node; that node."""
        target = await self.other()
        await self.mover.move(ROOM, Target(target.id), "test")
        return target

    async def until(self, holds: Any) -> RoomState:
        async with asyncio.timeout(20):
            while not holds(state := await self.state()):  # noqa: ASYNC110 - Redis tells replicas only
                await asyncio.sleep(0.02)
            return state

    async def joins(self, client: Client, name: str) -> Client:
        return await client.join(self.replica.token(ROOM, name))


@pytest.fixture
async def floor(redis_target: RedisTarget, redis: Redis) -> AsyncIterator[Floor]:
    async with (
        local_node(redis_target, "n1") as one,
        local_node(redis_target, "n2") as two,
        local_replica(redis_target, "here", nodes=("n1", "n2")) as replica,
    ):
        store = RoomStore(redis)
        mover = Mover(store, NodeRegistry(redis))
        yield Floor(replica, store, mover, {"n1": one, "n2": two})


def microphone(name: str, **fields: Any) -> dict[str, Any]:
    return offer("microphone", owner=name, **fields)


def silence(name: str, **fields: Any) -> dict[str, Any]:
    """The offer that ends it."""
    offered = microphone(name, **fields)
    description = offered["description"]
    inactive = {**description, "sdp": description["sdp"].replace("a=sendonly", "a=inactive")}
    return {**offered, "description": inactive, "tracks": []}


async def publishes(client: Client, name: str, epoch: int = 1, negotiation: int = 1) -> None:
    await client.asks("description", **microphone(name, epoch=epoch, negotiation=negotiation))
    await client.hears("description", epoch=epoch, pc="publisher")


async def follows(client: Client, name: str, epoch: int = 2) -> None:
    """Do what an SDK does on a placement."""
    placed = await client.hears("placement")
    assert placed["placement"]["epoch"] == epoch
    await publishes(client, name, epoch)


def peers(node: LocalNode) -> set[PeerRef]:
    return {peer for room in node.media.rooms.values() for peer in room}


async def test_everybody_is_on_both_nodes_until_everybody_is_ready(floor: Floor) -> None:
    async with connected(floor.replica.ws_url) as ann, connected(floor.replica.ws_url) as ben:
        for client, name in ((ann, "ann"), (ben, "ben")):
            await floor.joins(client, name)
            await publishes(client, name)
        old, new = await floor.home(), await floor.moves()
        for client, name in ((ann, "ann"), (ben, "ben")):
            await follows(client, name)
        everybody = {ann.id: (track_id("ben", "microphone"),), ben.id: (track_id("ann", "microphone"),)}
        await new.media.until(lambda: new.media.wanted == everybody)
        assert {(peer.participant, peer.epoch) for peer in peers(old)} == {(ann.id, 1), (ben.id, 1)}
        assert {(peer.participant, peer.epoch) for peer in peers(new)} == {(ann.id, 2), (ben.id, 2)}
        await ann.asks("ready", epoch=2)
        await publishes(ann, "ann", epoch=1, negotiation=2)  # the old placement still takes what it is told
        await ben.asks("ready", epoch=2)
        for client in (ann, ben):
            assert (await client.hears("placement.closed"))["epoch"] == 1
        await old.media.until(lambda: not old.media.rooms)
        state = await floor.until(lambda state: not state.moving)
        assert [leg.node for leg in state.legs.values()] == [new.id]
        assert len(peers(new)) == 2


async def test_what_is_published_muted_and_ended_in_mid_move_is_so_for_all(floor: Floor) -> None:
    async with connected(floor.replica.ws_url) as ann, connected(floor.replica.ws_url) as ben:
        await floor.joins(ann, "ann")
        await floor.joins(ben, "ben")
        await publishes(ann, "ann")
        track = (await ben.hears("track.published"))["track"]["id"]
        old, new = await floor.home(), await floor.moves()
        await follows(ann, "ann")
        await ann.asks("track.update", track=track, muted=True)
        assert (await ben.hears("track.updated"))["track"]["muted"]
        await old.media.until(lambda: track in old.media.muted)
        await new.media.until(lambda: track in new.media.muted)
        (peer,) = [peer for peer in peers(old) if peer.participant == ann.id]
        old.media.emit(TrackStopped(peer=peer, track=track))  # the other node carries it
        await publishes(ben, "ben", epoch=2)
        await ann.hears("track.published")
        for epoch in (1, 2):
            await ann.asks("description", **silence("ann", epoch=epoch, negotiation=2))
        assert (await ben.hears("track.ended"))["track"] == track
        assert set((await floor.state()).tracks) == {track_id("ben", "microphone")}


async def test_who_joins_in_mid_move_is_at_the_target_and_holds_nobody_up(floor: Floor) -> None:
    async with connected(floor.replica.ws_url) as ann, connected(floor.replica.ws_url) as ben:
        await floor.joins(ann, "ann")
        await publishes(ann, "ann")
        new = await floor.moves()
        await follows(ann, "ann")
        await floor.joins(ben, "ben")
        assert ben.joined["placement"]["epoch"] == 1
        await publishes(ben, "ben")
        assert (ben.id, 1) in {(peer.participant, peer.epoch) for peer in peers(new)}
        await ann.asks("ready", epoch=2)
        assert (await ann.hears("placement.closed"))["epoch"] == 1
        await floor.until(lambda state: not state.moving)


async def test_who_leaves_in_mid_move_is_gone_from_both_nodes_and_holds_nobody_up(floor: Floor) -> None:
    async with connected(floor.replica.ws_url) as ann, connected(floor.replica.ws_url) as ben:
        for client, name in ((ann, "ann"), (ben, "ben")):
            await floor.joins(client, name)
            await publishes(client, name)
        old, new = await floor.home(), await floor.moves()
        for client, name in ((ann, "ann"), (ben, "ben")):
            await follows(client, name)
        await ann.asks("ready", epoch=2)
        await ben.asks("leave")
        await new.media.until(lambda: {peer.participant for peer in peers(new)} == {ann.id})
        await old.media.until(lambda: not old.media.rooms)
        await floor.until(lambda state: not state.moving)


async def test_who_resumes_in_mid_move_goes_on_in_both_places(floor: Floor) -> None:
    async with connected(floor.replica.ws_url) as ann, connected(floor.replica.ws_url) as ben:
        for client, name in ((ann, "ann"), (ben, "ben")):
            await floor.joins(client, name)
            await publishes(client, name)
        await floor.moves()
        await follows(ann, "ann")
        await ann.drops()
        async with connected(floor.replica.ws_url) as again:
            settled = [
                {"epoch": epoch, "pc": "publisher", "negotiation": 1, "signaling_state": "stable"} for epoch in (2, 1)
            ]
            await again.resume(ann.resume_token, settled)
            assert again.joined["placement"]["epoch"] == 2
            assert {step["epoch"] for step in again.joined["repair"]} == {1, 2}
            assert not [event for event in again.events if event["type"] == "placement.closed"]
            await follows(ben, "ben")
            await ben.asks("ready", epoch=2)
            await again.asks("ready", epoch=2)
            assert (await again.hears("placement.closed"))["epoch"] == 1


async def test_the_next_driver_goes_on_with_a_move_when_its_driver_is_gone(
    floor: Floor, redis_target: RedisTarget
) -> None:
    async with connected(floor.replica.ws_url) as ann:
        async with (
            local_replica(redis_target, "there", nodes=("n1", "n2")) as driver,
            connected(driver.ws_url) as ben,
        ):
            await ben.join(driver.token(ROOM, "ben"))
            await publishes(ben, "ben")
            await floor.joins(ann, "ann")
            await publishes(ann, "ann")
            await floor.moves()
            await follows(ann, "ann")
            await follows(ben, "ben")
            await ann.asks("ready", epoch=2)
        assert (await floor.state()).moving
        async with connected(floor.replica.ws_url) as again:
            await again.resume(ben.resume_token, [])
            await again.asks("ready", epoch=2)
            assert (await ann.hears("placement.closed"))["epoch"] == 1
            await floor.until(lambda state: not state.moving)


async def test_a_target_that_fails_leaves_the_call_where_it_is(floor: Floor) -> None:
    async with connected(floor.replica.ws_url) as ann:
        await floor.joins(ann, "ann")
        await publishes(ann, "ann")
        old, new = await floor.home(), await floor.other()
        new.media.fails["open_room"] = TimeoutError()
        move = await floor.mover.move(ROOM, Target(new.id), "test")
        assert await floor.mover.settled(ROOM, move) is None
        assert await floor.home() is old
        await ann.asks("ready", epoch=1)
        assert not [event for event in ann.events if event["type"].startswith("placement")]


async def test_a_call_that_nobody_follows_stays_where_it_was(floor: Floor) -> None:
    async with connected(floor.replica.ws_url) as ann:
        await floor.joins(ann, "ann")
        await publishes(ann, "ann")
        old, new = await floor.home(), await floor.other()
        move = await floor.mover.move(ROOM, Target(new.id), "test")
        await ann.hears("placement")
        closed = await ann.until(lambda event: event["type"] == "placement.closed", seconds=25)
        assert closed["epoch"] == 2
        assert await floor.mover.settled(ROOM, move) is None
        assert await floor.home() is old
        await publishes(ann, "ann", epoch=1, negotiation=2)
        await new.media.until(lambda: not new.media.rooms)


async def test_a_move_is_refused_with_the_reason(floor: Floor, redis_target: RedisTarget) -> None:
    with pytest.raises(NotFound, match="Nobody is in"):
        await floor.mover.move(ROOM, Target(NodeId("n1")), "test")
    async with connected(floor.replica.ws_url) as ann, local_node(redis_target, "small", capacity=0):
        await floor.joins(ann, "ann")
        await publishes(ann, "ann")
        home = await floor.home()
        with pytest.raises(Conflict, match=f"is on {home.id} already"):
            await floor.mover.move(ROOM, Target(home.id), "test")
        with pytest.raises(NotFound, match="no media node n9"):
            await floor.mover.move(ROOM, Target(NodeId("n9")), "test")
        with pytest.raises(NotFound, match="No node runs unknown"):
            await floor.mover.move(ROOM, Target(backend="unknown"), "test")
        with pytest.raises(NoCapacity, match="small is full"):
            await floor.mover.move(ROOM, Target(NodeId("small")), "test")


async def test_anything_of_a_placement_that_is_over_is_stale(floor: Floor) -> None:
    async with connected(floor.replica.ws_url) as ann:
        await floor.joins(ann, "ann")
        await publishes(ann, "ann")
        await floor.moves()
        await follows(ann, "ann")
        await ann.asks("ready", epoch=2)
        await ann.hears("placement.closed")
        with pytest.raises(RequestFailed, match="stale_message"):
            await ann.asks("description", **microphone("ann", epoch=1, negotiation=2))
