"""The subscriber's side: one offer at a time, made only for what changes, merged while one is unanswered."""

import pytest

from media_adapters.conformance.base import Conformance
from media_adapters.conformance.stage import Stage, carried
from media_adapters.errors import InvalidDescription, StaleNegotiation
from media_adapters.events import ConnectionChanged, TrackStarted
from media_adapters.models import PeerConnectionRole, TrackId, TrackKind


class Subscribing(Conformance):
    async def test_nobody_gets_what_they_did_not_ask_for(self, lobby: Stage) -> None:
        alice, bob, carol = (lobby.person(name) for name in ("alice", "bob", "carol"))
        wanted = await alice.publishes_microphone()
        await carol.publishes_microphone()
        await lobby.started(*carol.tracks)
        await bob.watches(wanted)
        await bob.sees(wanted, frames=20)
        assert carried(bob.offers[-1]) == {wanted}
        assert set(bob.frames) == {wanted}
        assert alice.offers == []

    async def test_the_subscriber_connection_is_told_once_it_is_up(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        await bob.watches(await alice.publishes_microphone())
        up = await lobby.event(ConnectionChanged, lambda event: event.peer == bob.ref and event.connected)
        assert up.pc is PeerConnectionRole.SUBSCRIBER
        status = await lobby.node.adopt(bob.ref)
        assert (status.subscriber.connected, status.subscriber.negotiation) == (True, 1)

    async def test_changes_while_an_offer_is_unanswered_come_in_one_offer_after_the_answer(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        first = await alice.publishes_microphone()
        await lobby.started(first)
        bob.answers = False
        await bob.watches(first)
        offer = await lobby.offer(bob, 1)
        second, third = await alice.publishes(TrackKind.VIDEO, TrackKind.AUDIO)
        await lobby.started(second, third)
        await bob.watches(first, second)
        await bob.watches(first, second, third)
        assert len(bob.offers) == 1, "one offer of a peer is unanswered at a time"
        bob.answers = True
        await bob.answers_to(offer)
        assert carried(await lobby.offer(bob, 2)) == {first, second, third}
        await bob.sees(first, second, third)
        assert len(bob.offers) == 2

    async def test_asking_again_for_what_flows_makes_no_offer(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        microphone = await alice.publishes_microphone()
        await bob.watches(microphone)
        await bob.sees(microphone)
        await bob.watches(microphone)
        await bob.watches(microphone, TrackId("not-here-yet"))
        await bob.sees(microphone)
        assert len(bob.offers) == 1

    async def test_a_track_wanted_before_it_is_there_flows_once_it_starts(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        await bob.watches(TrackId("alice-audio-1"))
        assert bob.offers == []
        await bob.sees(await alice.publishes_microphone())

    async def test_what_is_wanted_no_more_leaves_and_the_rest_flows_on(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera, microphone = await alice.publishes(TrackKind.VIDEO, TrackKind.AUDIO)
        await bob.watches(camera, microphone)
        await bob.sees(camera, microphone)
        await bob.watches(microphone)
        await bob.is_offered({microphone})
        await bob.sees(microphone)
        await bob.watches(camera, microphone)
        await bob.sees(camera, microphone)
        assert bob.offers[-1].sdp.count("m=") <= 3, "freed m-sections are used again"

    async def test_who_takes_the_place_of_somebody_who_left_is_seen_as_themselves(self, lobby: Stage) -> None:
        alice, bob, carol = (lobby.person(name) for name in ("alice", "bob", "carol"))
        one, two = await alice.publishes_camera(), await carol.publishes_camera()
        await bob.watches(one)
        await bob.sees(one)
        await alice.leaves()
        await bob.is_offered(set())
        await bob.watches(one, two)
        await bob.sees(two)
        assert carried(bob.offers[-1]) == {two}

    async def test_a_repeated_answer_is_a_no_op_and_others_are_refused(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        microphone = await alice.publishes_microphone()
        await lobby.started(microphone)
        bob.answers = False
        await bob.watches(microphone)
        offer = await lobby.offer(bob, 1)
        sdp = await bob.accepts(offer)
        with pytest.raises(StaleNegotiation):
            await lobby.node.answer(bob.ref, offer.negotiation + 1, sdp)
        with pytest.raises(InvalidDescription):
            await lobby.node.answer(bob.ref, offer.negotiation, "v=0\r\n")
        await lobby.node.answer(bob.ref, offer.negotiation, sdp)
        await lobby.node.answer(bob.ref, offer.negotiation, sdp)
        await bob.sees(microphone)

    async def test_a_new_owner_gets_the_unanswered_offer_again_and_the_call_goes_on(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        microphone = await alice.publishes_microphone()
        await lobby.started(microphone)
        bob.answers = False
        await bob.watches(microphone)
        lost = await lobby.offer(bob, 1)
        bob.answers = True
        status = await lobby.node.adopt(bob.ref)
        assert (status.subscriber.negotiation, status.subscriber.pending) == (1, True)
        await bob.sees(microphone)
        assert bob.offers == [lost, lost]
        status = await lobby.node.adopt(bob.ref)
        assert (status.subscriber.pending, status.subscriber.connected) == (False, True)
        assert len(bob.offers) == 2

    async def test_a_call_that_moves_within_the_node_is_seen_all_along(self, lobby: Stage) -> None:
        before, after, bob = lobby.person("alice", epoch=1), lobby.person("alice", epoch=2), lobby.person("bob")
        camera = await before.publishes_camera()
        await bob.watches(camera)
        await bob.sees(camera)
        assert await after.publishes_camera() == camera
        await lobby.event(TrackStarted, lambda event: event.peer == after.ref)
        await before.leaves()
        await bob.sees(camera)
        assert {status.peer for status in await lobby.node.peers(lobby.room)} == {after.ref, bob.ref}
