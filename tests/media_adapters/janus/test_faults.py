"""Janus killed, frozen or thawed, callers that give up, and what is left afterwards."""

import asyncio
import random
from contextlib import suppress

import pytest

from media_adapters.errors import MediaError, NodeGone, NodeTimeout
from media_adapters.events import PeerClosed, SfuDied, TrackStarted
from media_adapters.janus import backend, client, home
from media_adapters.models import RoomRef, RoomSpec, Subscription, TrackId
from tests.support.janus import Server, running_janus
from tests.support.media import Person, Stage, stage

pytestmark = pytest.mark.faults


async def test_a_killed_janus_is_news_at_once_and_fails_every_call(lobby: Stage, server: Server) -> None:
    alice = lobby.person("alice")
    await alice.publishes_microphone()
    offer = await alice.offer()
    await server.freeze()
    pending = asyncio.create_task(lobby.node.publish(alice.ref, offer))
    await asyncio.sleep(0.05)  # the call is on its way to a Janus that does not read
    async with asyncio.timeout(1):
        await server.kill()
        with pytest.raises(NodeGone):
            await pending
        await lobby.event(SfuDied)
    for call in (
        lobby.node.describe(),
        lobby.node.load(),
        lobby.node.adopt(alice.ref),
        lobby.node.close_peer(alice.ref),
    ):
        with pytest.raises(NodeGone):
            await call
    assert [type(event) async for event in lobby.node.events()] == [SfuDied]


async def test_a_frozen_janus_times_calls_out_and_is_then_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "CALL_DEADLINE", 1.0)
    async with server.node() as node, stage(node) as lobby:
        alice = lobby.person("alice")
        await alice.publishes_microphone()
        offer = await alice.offer()
        await server.freeze()
        with pytest.raises(NodeTimeout):
            await node.publish(alice.ref, offer)
        async with asyncio.timeout(10):
            await lobby.event(SfuDied)
        with pytest.raises(NodeGone):
            await node.publish(alice.ref, offer)
        server.thaw()


async def test_a_call_that_timed_out_still_took_effect_and_can_be_repeated(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "CALL_DEADLINE", 0.5)
    async with server.node() as node, stage(node) as lobby:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        microphone = await alice.publishes_microphone()
        await lobby.event(TrackStarted)
        offer = await alice.offer()
        await server.freeze()
        for call in (
            node.publish(alice.ref, offer),
            node.subscribe(bob.ref, [Subscription(track=microphone)]),
            node.mute_track(alice.ref, microphone, muted=True),
        ):
            with pytest.raises(NodeTimeout):
                await call
        server.thaw()
        await node.publish(alice.ref, offer)
        await node.mute_track(alice.ref, microphone, muted=False)
        await bob.watches(microphone)
        await bob.sees(microphone)
        assert len(bob.offers) == 1


async def test_an_owner_that_stops_living_costs_the_session_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "SESSION_TIMEOUT", 2)
    async with running_janus() as server, server.node() as node, stage(node) as lobby:
        await lobby.person("alice").publishes_microphone()
        died = await lobby.event(SfuDied)  # our keepalive still goes by the timeout of 25 s
        assert "keepalive" in died.reason
        with pytest.raises(NodeGone):
            await node.describe()
        assert await server.handles() == []


async def test_a_session_outlives_its_timeout_while_its_owner_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (home, client):
        monkeypatch.setattr(module, "SESSION_TIMEOUT", 2)
    async with running_janus() as server, server.node() as node:
        await asyncio.sleep(7)  # Janus looks every 2 s and gives 3 s more than its timeout
        assert (await node.load()).rooms == 0
        assert await server.handles() == [1]


async def test_a_cancelled_call_finishes_by_itself_and_leaks_nothing(lobby: Stage, server: Server) -> None:
    alice = lobby.person("alice")
    alice.publisher.addTransceiver("audio")
    offer = await alice.offer()
    for pause in (0.0, 0.001, 0.003, 0.006):
        task = asyncio.create_task(lobby.node.publish(alice.ref, offer))
        await asyncio.sleep(pause)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    answer = await lobby.node.publish(alice.ref, offer)
    assert answer.negotiation == offer.negotiation
    assert await server.handles() == [2]
    closing = asyncio.create_task(lobby.node.close_peer(alice.ref))
    await asyncio.sleep(0)
    closing.cancel()
    await lobby.node.close_room(lobby.room)
    await _settled(server, [1])


async def test_ten_people_who_come_and_go_as_they_like_leave_nothing_behind(lobby: Stage, server: Server) -> None:
    dice = random.Random(7)
    assert await server.handles() == [1]
    await asyncio.gather(*(_wanders(lobby, dice, number) for number in range(10)))
    for status in await lobby.node.peers(lobby.room):
        await lobby.node.close_peer(status.peer)
    load = await lobby.node.load()
    assert (load.rooms, load.peers, load.streams) == (1, 0, 0)
    await _settled(server, [1])
    assert lobby.count(PeerClosed) == 0
    adapter = lobby.node
    assert len(adapter._client._transactions) == 0  # type: ignore[attr-defined]


async def _wanders(lobby: Stage, dice: random.Random, number: int) -> None:
    for visit in range(3):
        person = lobby.person(f"person{number}", epoch=visit)
        await asyncio.sleep(dice.random() / 5)
        for step in dice.sample((_talks, _watches_all, _watches_all, _changes_its_mind), 4):
            await step(lobby, person, dice)
        if dice.random() < 0.8:
            await person.leaves()
        else:
            await person.hangs_up()


async def _talks(lobby: Stage, person: Person, dice: random.Random) -> None:
    track = await person.publishes_microphone()
    await asyncio.sleep(dice.random() / 5)
    if dice.random() < 0.5:
        await person.stops(track)


async def _watches_all(lobby: Stage, person: Person, dice: random.Random) -> None:
    there = [track.id for status in await lobby.node.peers(lobby.room) for track in status.tracks]
    await person.watches(*there, TrackId("never-there"))
    await asyncio.sleep(dice.random() / 10)


async def _changes_its_mind(lobby: Stage, person: Person, dice: random.Random) -> None:
    task = asyncio.create_task(_watches_all(lobby, person, dice))
    await asyncio.sleep(dice.random() / 100)
    task.cancel()
    with suppress(asyncio.CancelledError, MediaError):
        await task


async def _settled(server: Server, handles: list[int]) -> None:
    """Janus lets go of handles some milliseconds after it said so."""
    async with asyncio.timeout(5):
        while await server.handles() != handles:  # noqa: ASYNC110 - Janus tells nobody
            await asyncio.sleep(0.02)


async def test_closing_the_node_drops_its_session_rooms_and_tasks(server: Server) -> None:
    before = asyncio.all_tasks()
    async with server.node() as node:
        async with stage(node) as lobby:
            alice, bob = lobby.person("alice"), lobby.person("bob")
            await bob.watches(await alice.publishes_microphone())
            await lobby.event(TrackStarted)
        room: RoomRef = lobby.room
    assert await server.handles() == []
    async with server.node() as node:
        await node.open_room(room, RoomSpec())
    assert asyncio.all_tasks() == before
