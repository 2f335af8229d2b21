"""Workers and the bridge killed or frozen, and what is left afterwards."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from media_adapters.contract import MediaNode
from media_adapters.errors import MediaError, NodeGone, RoomNotFound
from media_adapters.events import PeerClosed, RoomClosed, SfuDied, TrackStopped
from media_adapters.models import Incarnation, RoomId, RoomRef, RoomSpec, Subscription, TapTarget, TrackId
from tests.support.media import Stage, stage
from tests.support.mediasoup import Server, running_mediasoup

pytestmark = pytest.mark.faults

OTHER = RoomRef(room=RoomId("other"), incarnation=Incarnation("first"))


async def worker_of(server: Server, *, with_media: bool) -> int:
    """The process of the worker that carries media, or of the one that does not."""
    (pid,) = [worker["pid"] for worker in await server.workers() if bool(worker["transports"]) is with_media]
    return int(pid)


async def test_a_killed_worker_ends_its_rooms_and_no_others(lobby: Stage, server: Server) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    microphone = await alice.publishes_microphone()
    await bob.watches(microphone)
    await bob.sees(microphone)
    await lobby.node.open_room(OTHER, RoomSpec())
    os.kill(await worker_of(server, with_media=True), signal.SIGKILL)
    async with asyncio.timeout(2):
        closed = await lobby.event(RoomClosed)
    assert (closed.room, "worker died" in closed.reason) == (lobby.room, True)
    assert lobby.count(PeerClosed) == 2
    assert lobby.count(TrackStopped) == 1
    with pytest.raises(RoomNotFound):
        await lobby.node.subscribe(bob.ref, [Subscription(track=microphone)])
    assert await lobby.node.peers(OTHER) == []
    assert (await lobby.node.load()).rooms == 1


async def test_a_room_whose_worker_died_is_opened_again_at_once(lobby: Stage, server: Server) -> None:
    await lobby.person("alice").publishes_microphone()
    os.kill(await worker_of(server, with_media=True), signal.SIGKILL)
    await lobby.event(RoomClosed)
    await lobby.node.open_room(lobby.room, RoomSpec())
    alice, bob = lobby.person("alice", epoch=2), lobby.person("bob", epoch=2)
    microphone = await alice.publishes_microphone()
    await bob.watches(microphone)
    await bob.sees(microphone)
    await both_workers_run(server)


async def test_a_node_with_one_worker_gets_another_when_that_dies() -> None:
    async with running_mediasoup(workers="1") as server, server.node() as node:
        await node.open_room(OTHER, RoomSpec())
        os.kill((await server.workers())[0]["pid"], signal.SIGKILL)
        async with asyncio.timeout(20):
            while True:
                try:
                    await node.open_room(RoomRef(room=OTHER.room, incarnation=Incarnation("second")), RoomSpec())
                except MediaError as error:
                    assert error.code == "node_busy"  # noqa: PT017 - it says that it is worth asking again
                    await asyncio.sleep(0.05)
                else:
                    break
        assert (await server.held())["routers"] == 1


async def test_a_frozen_worker_is_given_up_and_its_rooms_are_over(lobby: Stage, server: Server) -> None:
    await lobby.person("alice").publishes_microphone()
    os.kill(await worker_of(server, with_media=True), signal.SIGSTOP)
    await lobby.event(RoomClosed)  # 2 s until it is asked, 5 s for its answer
    await both_workers_run(server)


async def test_workers_die_with_the_bridge(lobby: Stage, server: Server) -> None:
    pids = [worker["pid"] for worker in await server.workers()]
    await server.kill()
    await lobby.event(SfuDied)
    async with asyncio.timeout(2):
        while any(_lives(pid) for pid in pids):  # noqa: ASYNC110 - not our children
            await asyncio.sleep(0.01)


async def test_a_bridge_that_dies_during_any_call_fails_it_with_node_gone() -> None:
    for name in ("publish", "subscribe", "mute", "restart", "tap", "key_frame", "close_peer", "open", "close", "load"):
        async with running_mediasoup(workers="1") as server, server.node() as node, stage(node) as lobby:
            alice, bob = lobby.person("alice"), lobby.person("bob")
            microphone = await alice.publishes_microphone()
            await bob.watches(microphone)
            await bob.sees(microphone, frames=1)
            offer = await alice.offer()
            calls = {
                "publish": node.publish(alice.ref, offer),
                "subscribe": node.subscribe(bob.ref, []),
                "mute": node.mute_track(alice.ref, microphone, muted=True),
                "restart": node.restart_ice(bob.ref),
                "tap": node.tap(alice.ref, microphone, TapTarget(port=9)),
                "key_frame": node.request_key_frame(alice.ref, microphone),
                "close_peer": node.close_peer(alice.ref),
                "open": node.open_room(OTHER, RoomSpec()),
                "close": node.close_room(lobby.room),
                "load": node.load(),
            }
            call = calls.pop(name)
            for other in calls.values():
                other.close()
            await server.freeze()
            pending = asyncio.ensure_future(call)
            await asyncio.sleep(0.05)  # it is on its way to a bridge that does not read
            async with asyncio.timeout(1):
                await server.kill()
                with pytest.raises(NodeGone):
                    await pending
                await lobby.event(SfuDied)


async def test_a_frozen_bridge_is_given_up(lobby: Stage, server: Server) -> None:
    await server.freeze()
    async with asyncio.timeout(10):
        await lobby.event(SfuDied)
    with pytest.raises(NodeGone):
        await lobby.node.load()
    server.thaw()


async def test_what_an_adapter_made_goes_with_its_connection(server: Server) -> None:
    async with server.node() as node, stage(node) as lobby:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        await bob.watches(await alice.publishes_microphone())
        await bob.is_offered({TrackId("alice-audio-1")})
        bridge = node._bridge  # type: ignore[attr-defined]
        bridge._writer.transport.abort()  # as if the agent had died
        await lobby.event(SfuDied)
    async with asyncio.timeout(5):
        while any((await server.held()).values()):  # noqa: ASYNC110 - mediasoup tells nobody
            await asyncio.sleep(0.02)


async def test_a_publisher_that_is_cancelled_over_and_over_leaves_nothing(node: MediaNode, server: Server) -> None:
    async with stage(node) as lobby:
        alice = lobby.person("alice")
        alice.publisher.addTransceiver("audio")
        offer = await alice.offer()
        for pause in (0.0, 0.001, 0.003, 0.006):
            task = asyncio.create_task(node.publish(alice.ref, offer))
            await asyncio.sleep(pause)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await node.publish(alice.ref, offer)
        assert (await server.held())["transports"] == 1
        await node.close_room(lobby.room)
    assert not any((await server.held()).values())


async def both_workers_run(server: Server) -> None:
    async with asyncio.timeout(20):
        while len(await server.workers()) < 2:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False
