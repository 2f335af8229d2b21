"""Rooms over several workers of one node."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from media_adapters.contract import MediaNode
from media_adapters.models import Incarnation, RoomId, RoomRef, RoomSpec, TapTarget
from tests.support.media import Stage
from tests.support.mediasoup import Server, running_mediasoup


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running_mediasoup(consumers_per_router="2") as running:
        yield running


async def test_rooms_go_to_the_worker_with_least_to_do(node: MediaNode, server: Server) -> None:
    for number in range(4):
        await node.open_room(RoomRef(room=RoomId(f"room{number}"), incarnation=Incarnation("1")), RoomSpec())
    assert [worker["routers"] for worker in await server.workers()] == [2, 2]


async def test_a_large_room_is_on_both_workers_and_everybody_sees_everything(lobby: Stage, server: Server) -> None:
    alice = lobby.person("alice")
    camera, microphone = await alice.publishes_camera(), await alice.publishes_microphone()
    people = [lobby.person(name) for name in ("bob", "carol", "dave")]
    for person in people:
        await person.watches(camera, microphone)
        await person.sees(camera, microphone)
    workers = await server.workers()
    assert [worker["routers"] for worker in workers] == [1, 1]
    # both tracks are piped once for carol and dave: two consumers of the pipe on one side, two producers on the other
    assert sorted(worker["producers"] for worker in workers) == [2, 2]
    assert sum(worker["consumers"] for worker in workers) == 6 + 2


async def test_what_happens_to_a_track_happens_on_the_other_worker_too(lobby: Stage, server: Server) -> None:
    alice, bob, carol = lobby.person("alice"), lobby.person("bob"), lobby.person("carol")
    camera, microphone = await alice.publishes_camera(), await alice.publishes_microphone()
    for person in (bob, carol):
        await person.watches(camera, microphone)
        await person.sees(camera)
    await lobby.node.mute_track(alice.ref, camera, muted=True)
    await asyncio.sleep(0.5)  # frames on their way arrive, then none
    silent = carol.frames[camera]
    await asyncio.sleep(0.7)
    assert carol.frames[camera] == silent
    await lobby.node.mute_track(alice.ref, camera, muted=False)
    await carol.sees(camera)
    await alice.stops(camera)
    await carol.is_offered({microphone})
    again = await alice.publishes_camera()
    await carol.watches(again, microphone)
    await carol.sees(again)


async def test_twenty_who_come_and_go_at_once_leave_nothing_on_either_worker(lobby: Stage, server: Server) -> None:
    alice = lobby.person("alice")
    microphone = await alice.publishes_microphone()
    await lobby.node.tap(alice.ref, microphone, TapTarget(port=9))

    async def visits(number: int) -> None:
        person = lobby.person(f"person{number}")
        await person.watches(microphone)
        await person.is_offered({microphone})
        await person.leaves()

    await asyncio.gather(*(visits(number) for number in range(20)))
    held = await server.held()
    assert held["consumers"] <= 2  # the tap's, and the pipe's if there was need for one
    await lobby.node.close_room(lobby.room)
    assert not any((await server.held()).values())
