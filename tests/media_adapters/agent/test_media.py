"""Frames through the agent's Janus, commanded over the RPC: what a replica's death must not touch."""

from contextlib import AsyncExitStack

from media_adapters.events import ConnectionChanged, SubscriberOffered
from tests.support.agent import running_agent
from tests.support.media import stage


async def test_people_see_each_other_through_the_rpc_as_through_the_adapter() -> None:
    async with (
        running_agent() as agent,
        agent.dialled() as replica,
        stage(replica.client.acting(fence=1, generation=1)) as lobby,
    ):
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera = await alice.publishes_camera()
        await bob.watches(camera)
        await bob.sees(camera)
        await lobby.event(ConnectionChanged, lambda event: event.connected and event.receiving)
        assert (await lobby.node.load()).peers == 2


async def test_picture_goes_on_when_the_replica_dies_and_another_finishes_what_it_began() -> None:
    async with running_agent() as agent, agent.dialled("r_next") as after, AsyncExitStack() as life:
        dying = await life.enter_async_context(agent.dialled("r_dying"))
        async with stage(dying.client.acting(fence=1, generation=1)) as lobby:
            alice, bob = lobby.person("alice"), lobby.person("bob")
            camera = await alice.publishes_camera()
            await bob.watches(camera)
            await bob.sees(camera)
            microphone = await alice.publishes_microphone()
            bob.answers = False
            await bob.watches(camera, microphone)
            await bob.is_offered({camera, microphone})

            await life.aclose()
            await bob.sees(camera, frames=15)

            alice.node = bob.node = after.client.acting(generation=2)
            assert (await alice.node.adopt(alice.ref)).publisher.receiving
            assert (await bob.node.adopt(bob.ref)).subscriber.pending
            offer = await after.events.until(lambda event: isinstance(event, SubscriberOffered))
            assert isinstance(offer, SubscriberOffered)
            await bob.answers_to(offer)
            await bob.sees(microphone)
            await bob.sees(camera)
            assert (await after.client.keep([(lobby.room, 1)])).missing == ()
            report = await after.client.acting(fence=1).sync(lobby.room, [alice.ref, bob.ref])
            assert {status.peer: status.subscriber.pending for status in report.peers} == {
                alice.ref: False,
                bob.ref: False,
            }
