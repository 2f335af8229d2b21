"""A media server that dies, freezes or is let go of. Each test has one of its own."""

import asyncio

import pytest

from media_adapters.conformance.base import Conformance
from media_adapters.conformance.stage import new_room, stage
from media_adapters.conformance.subject import Start
from media_adapters.errors import NodeGone, NodeTimeout, RoomNotFound, Superseded
from media_adapters.events import SfuDied
from media_adapters.models import RoomSpec

UNDER_WAY = 0.1
"""Seconds after which a call has reached a media server that reads nothing."""

NOTICED = 2.0
"""Seconds within which a dead media server is news."""


class Loss(Conformance):
    async def test_a_dead_media_server_is_news_at_once_and_fails_every_call(self, sfu: Start) -> None:
        async with sfu() as subject, stage(subject.node) as lobby:
            if subject.kill is None:
                pytest.skip("the subject gives no way to kill its media server")
            alice = lobby.person("alice")
            await alice.publishes_microphone()
            offer = await alice.offer()
            async with asyncio.timeout(NOTICED):
                await subject.kill()
                await lobby.event(SfuDied)
            assert isinstance(lobby.seen[-1], SfuDied), "nothing is told after it"
            for call in (lobby.node.publish(alice.ref, offer), lobby.node.peers(lobby.room)):
                with pytest.raises((NodeGone, RoomNotFound)):
                    await call

    async def test_a_call_under_way_when_the_media_server_dies_fails_with_node_gone(self, sfu: Start) -> None:
        async with sfu() as subject, stage(subject.node) as lobby:
            if subject.kill is None or subject.freeze is None:
                pytest.skip("the subject gives no way to freeze and kill its media server")
            alice, bob = lobby.person("alice"), lobby.person("bob")
            await lobby.started(await alice.publishes_microphone())
            offer = await alice.offer()
            await subject.freeze()
            calls = [
                asyncio.create_task(lobby.node.publish(alice.ref, offer)),
                asyncio.create_task(bob.watches(*alice.tracks)),
                asyncio.create_task(lobby.node.open_room(new_room("late"), RoomSpec())),
            ]
            await asyncio.wait(calls, timeout=UNDER_WAY)
            assert not any(call.done() for call in calls)
            async with asyncio.timeout(NOTICED):
                await subject.kill()
                await asyncio.wait(calls)
            assert [type(call.exception()) for call in calls] == [NodeGone] * 3

    async def test_a_frozen_media_server_times_calls_out_and_takes_them_when_it_goes_on(self, sfu: Start) -> None:
        async with sfu() as subject, stage(subject.node) as lobby:
            if subject.freeze is None or subject.thaw is None:
                pytest.skip("the subject gives no way to freeze its media server")
            alice, bob = lobby.person("alice"), lobby.person("bob")
            microphone = await alice.publishes_microphone()
            await lobby.started(microphone)
            offer = await alice.offer()
            await subject.freeze()
            async with asyncio.timeout(subject.call_deadline):
                with pytest.raises(NodeTimeout):
                    await lobby.node.publish(alice.ref, offer)
            subject.thaw()
            await alice.takes(await lobby.node.publish(alice.ref, offer))
            await bob.watches(microphone)
            await bob.sees(microphone)

    async def test_who_takes_over_gets_the_state_and_the_call_goes_on(self, sfu: Start) -> None:
        async with sfu() as subject, stage(subject.node) as lobby:
            if subject.successor is None:
                pytest.skip("the node is commanded in process: its owner dies with it")
            alice, bob = lobby.person("alice"), lobby.person("bob")
            camera = await alice.publishes_camera()
            await bob.watches(camera)
            await bob.sees(camera)
            microphone = await alice.publishes_microphone()
            bob.answers = False
            await bob.watches(camera, microphone)
            await bob.is_offered({camera, microphone})
            async with subject.successor() as after, lobby.hearing(after):
                alice.node = bob.node = after
                assert (await after.adopt(alice.ref)).publisher.receiving
                bob.answers = True
                assert (await after.adopt(bob.ref)).subscriber.pending
                await bob.sees(camera, microphone)
                with pytest.raises(Superseded):
                    await lobby.node.subscribe(bob.ref, [])
                await bob.sees(camera, microphone)

    async def test_a_closed_node_tells_no_more_and_holds_nothing(self, sfu: Start) -> None:
        async with sfu() as subject:
            before = await subject.leftovers() if subject.leftovers is not None else None
            async with stage(subject.node) as lobby:
                alice, bob = lobby.person("alice"), lobby.person("bob")
                await bob.watches(await alice.publishes_microphone())
                await bob.sees(*alice.tracks)
                await subject.node.close()
                async with asyncio.timeout(NOTICED):
                    await lobby.told_all()
            if subject.leftovers is not None and subject.successor is None:
                assert before == await subject.leftovers()
