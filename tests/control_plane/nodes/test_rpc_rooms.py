"""Who may command a room or a participant, who hears of it, and how long a room stays: over real sockets."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from control_plane.nodes.rpc import Lost
from media_adapters.errors import MediaError, NodeGone, NodeTimeout, RoomNotFound, Superseded
from media_adapters.events import PeerClosed, RoomClosed, SfuDied
from media_adapters.models import RoomSpec
from tests.support.agent import local_agent
from tests.support.cast import ALICE, BOB, CAMERA, OFFER, ROOM, opened, published, started, stopped


class SteppedClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def refused(call: Awaitable[Any]) -> bool:
    try:
        await call
    except Superseded:
        return True
    return False


async def test_old_driver_is_refused_after_a_takeover() -> None:
    async with local_agent() as agent, agent.dialled("r_old") as old, agent.dialled("r_new") as new:
        await opened(old, fence=1)
        await opened(new, fence=2)
        driver = old.client.acting(fence=1)
        assert await refused(driver.close_room(ROOM))
        assert await refused(driver.open_room(ROOM, RoomSpec()))
        assert await refused(driver.sync(ROOM, []))
        assert await refused(driver.close_peer(ALICE))
        assert (await old.client.keep([(ROOM, 1)])).superseded == (ROOM,)
        assert (await new.client.keep([(ROOM, 2)])).superseded == ()
        assert ROOM in agent.media.rooms


async def test_old_replica_of_a_participant_is_refused_and_events_follow_the_new_one() -> None:
    async with local_agent() as agent, agent.dialled("r_old") as old, agent.dialled("r_new") as new:
        await opened(old)
        await published(old, ALICE)
        await new.client.acting(generation=2).adopt(ALICE)
        late = old.client.acting(generation=1)
        assert await refused(late.publish(ALICE, OFFER))
        assert await refused(late.close_peer(ALICE))
        agent.media.emit(stopped(ALICE))
        assert await new.events.next() == stopped(ALICE)
        assert old.events.all == [started(ALICE)]
        assert ALICE in agent.media.rooms[ROOM]


async def test_late_publish_does_not_bring_back_a_peer_that_its_new_owner_closed() -> None:
    async with local_agent() as agent, agent.dialled("r_old") as old, agent.dialled("r_new") as new:
        await opened(old)
        await published(old, ALICE)
        await new.client.acting(generation=2).close_peer(ALICE)
        assert await refused(old.client.acting(generation=1).publish(ALICE, OFFER))
        assert agent.media.rooms[ROOM] == {}


async def test_whom_the_driver_removed_hears_of_it_and_stays_out() -> None:
    async with local_agent() as agent, agent.dialled("r_driver") as driver, agent.dialled("r_owner") as owner:
        await opened(driver)
        await published(owner, ALICE)
        await driver.client.acting(fence=1).close_peer(ALICE)
        closed = await owner.events.next()
        assert isinstance(closed, PeerClosed)
        assert closed.peer == ALICE
        assert await refused(owner.client.acting(generation=1).subscribe(ALICE, []))
        assert driver.events.all == []
        await owner.client.acting(generation=2).subscribe(ALICE, [])
        assert ALICE in agent.media.rooms[ROOM]


async def test_replica_that_dies_in_the_middle_of_a_call_cuts_nothing() -> None:
    async with local_agent() as agent, agent.dialled("r_next") as after:
        async with agent.dialled("r_dying") as dying:
            await opened(dying)
            agent.media.held["publish"] = asyncio.Event()
            call = asyncio.create_task(dying.client.acting(generation=1).publish(ALICE, OFFER))
            await agent.media.waiting.wait()
        with pytest.raises(NodeGone):
            await call
        agent.media.held["publish"].set()
        status = await after.client.acting(generation=2).adopt(ALICE)
        assert status.tracks == (CAMERA,)
        agent.media.emit(stopped(ALICE))
        assert await after.events.next() == stopped(ALICE)


async def test_events_without_an_owner_are_not_kept_for_the_next_one() -> None:
    async with local_agent() as agent, agent.dialled("r_next") as after:
        async with agent.dialled("r_gone") as gone:
            await opened(gone)
            await published(gone, ALICE)
        agent.media.emit(started(ALICE))
        await after.client.acting(generation=2).adopt(ALICE)
        agent.media.emit(stopped(ALICE))
        assert await after.events.next() == stopped(ALICE)


async def test_room_whose_driver_fell_silent_is_closed_before_anything_else_is_served() -> None:
    clock = SteppedClock()
    async with local_agent(clock=clock) as agent, agent.dialled("r_driver") as driver, agent.dialled("r_2") as other:
        await opened(driver)
        await published(other, ALICE)
        clock.now += 29
        assert (await driver.client.keep([(ROOM, 1)])).missing == ()
        clock.now += 30
        with pytest.raises(RoomNotFound):
            await published(other, ALICE)
        assert [name for name, _ in agent.media.calls][-2:] == ["close_room", "publish"]
        for replica in (driver, other):
            closed = await replica.events.next()
            assert isinstance(closed, RoomClosed)
            assert closed.room == ROOM
        assert (await driver.client.keep([(ROOM, 1)])).missing == (ROOM,)
        await opened(driver)
        assert (await driver.client.keep([(ROOM, 1)])).missing == ()


async def test_opening_a_room_for_a_participant_does_not_replace_its_driver() -> None:
    clock = SteppedClock()
    async with local_agent(clock=clock) as agent, agent.dialled("r_driver") as driver, agent.dialled("r_2") as other:
        await other.client.acting().open_room(ROOM, RoomSpec())
        assert (await driver.client.keep([(ROOM, 2)])).missing == ()
        clock.now += 29
        await other.client.acting(generation=1).open_room(ROOM, RoomSpec())
        assert await refused(other.client.acting(fence=1).open_room(ROOM, RoomSpec()))
        clock.now += 1
        assert (await driver.client.keep([(ROOM, 2)])).missing == (ROOM,)
        assert agent.media.rooms == {}


async def test_room_that_the_sfu_does_not_close_serves_nobody_and_is_tried_again() -> None:
    clock = SteppedClock()
    async with local_agent(clock=clock) as agent, agent.dialled() as replica:
        await opened(replica)
        agent.media.fails["close_room"] = NodeTimeout("no answer")
        clock.now += 31
        with pytest.raises(RoomNotFound):
            await replica.client.acting(generation=1).subscribe(ALICE, [])
        assert agent.media.calls[-1] == ("close_room", ROOM)
        del agent.media.fails["close_room"]
        clock.now += 1
        await replica.client.acting().load()
        assert agent.media.rooms == {}


async def test_room_that_could_not_be_opened_is_missing() -> None:
    async with local_agent() as agent, agent.dialled() as replica:
        agent.media.fails["open_room"] = MediaError("no")
        with pytest.raises(MediaError):
            await opened(replica)
        assert (await replica.client.keep([(ROOM, 1)])).missing == (ROOM,)


async def test_sync_closes_whom_the_driver_does_not_know_but_not_who_has_just_come() -> None:
    clock, carol = SteppedClock(), ALICE.model_copy(update={"participant": "carol"})
    async with local_agent(clock=clock) as agent, agent.dialled("r_driver") as driver, agent.dialled("r_2") as other:
        await opened(driver)
        await published(other, ALICE)
        clock.now += 4
        await published(other, BOB)
        report = await driver.client.acting(fence=1).sync(ROOM, [carol])
        assert {status.peer for status in report.peers} == {ALICE, BOB}
        assert report.missing == (carol,)
        clock.now += 1
        report = await driver.client.acting(fence=1).sync(ROOM, [carol])
        assert [status.peer for status in report.peers] == [BOB]
        assert agent.media.rooms[ROOM].keys() == {BOB}
        closed = await other.events.next()
        assert isinstance(closed, PeerClosed)
        assert closed.peer == ALICE


async def test_sync_of_a_room_that_is_not_here_says_so() -> None:
    async with local_agent() as agent, agent.dialled() as replica:
        with pytest.raises(RoomNotFound):
            await replica.client.acting(fence=1).sync(ROOM, [ALICE])


async def test_room_that_the_sfu_lost_is_told_to_its_driver_and_to_whom_has_people_in_it() -> None:
    async with (
        local_agent() as agent,
        agent.dialled("r_driver") as driver,
        agent.dialled("r_2") as other,
        agent.dialled("r_3") as stranger,
    ):
        await opened(driver)
        await published(other, ALICE)
        agent.media.emit(RoomClosed(room=ROOM, reason="destroyed"))
        assert await driver.events.next() == await other.events.next() == RoomClosed(room=ROOM, reason="destroyed")
        assert (await driver.client.keep([(ROOM, 1)])).missing == (ROOM,)
        assert stranger.events.all == []


async def test_death_of_the_sfu_reaches_every_replica_and_ends_its_events() -> None:
    async with local_agent() as agent, agent.dialled("r_1") as one, agent.dialled("r_2") as two:
        events = one.client.acting().events()
        await opened(one)
        agent.service.detach()
        agent.server.sfu_died("killed")
        for replica in (one, two):
            assert await replica.events.next() == SfuDied(reason="killed")
            assert await replica.lost.next() is Lost.SFU_DOWN
        assert [event async for event in events] == [SfuDied(reason="killed")]
        agent.service.attach(agent.media, await agent.media.describe())
        await one.connected.next()
        assert (await one.client.keep([(ROOM, 1)])).missing == (ROOM,)


async def test_view_can_be_followed_and_let_go_like_an_adapter() -> None:
    async with local_agent() as agent, agent.dialled() as replica:
        node = replica.client.acting(fence=1, generation=1)
        events = node.events()
        await node.open_room(ROOM, RoomSpec())
        await node.publish(ALICE, OFFER)
        agent.media.emit(started(ALICE))
        assert await anext(events) == started(ALICE)
        await node.close()
        assert [event async for event in events] == []
        assert ALICE in agent.media.rooms[ROOM]
