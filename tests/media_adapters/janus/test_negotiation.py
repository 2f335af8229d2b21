"""Offers, answers and what clients, networks and owners do to them."""

import asyncio

import pytest

from media_adapters.errors import InvalidDescription, PeerNotFound, RoomNotFound, StaleNegotiation, TrackNotFound
from media_adapters.events import (
    TrackStopped,
)
from media_adapters.models import (
    IceCandidate,
    Incarnation,
    PeerConnectionRole,
    RoomId,
    RoomRef,
    TrackId,
    TrackKind,
    TrackSource,
)
from tests.support.janus import Server
from tests.support.media import Stage, carried


async def test_changes_while_an_offer_is_unanswered_come_in_one_offer_after_the_answer(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    first = await alice.publishes_microphone()
    await lobby.started(first)
    bob.answers = False
    await bob.watches(first)
    offer = await lobby.offer(bob, 1)
    second = await alice.publishes_camera()
    third = await alice.publishes_camera()
    await bob.watches(first, second)
    await bob.watches(first, second, third)
    assert len(bob.offers) == 1
    bob.answers = True
    await bob.answers_to(offer)
    assert carried(await lobby.offer(bob, 2)) == {first, second, third}
    await bob.sees(second)
    await bob.sees(third)
    assert len(bob.offers) == 2


async def test_asking_again_for_what_flows_makes_no_offer(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    microphone = await alice.publishes_microphone()
    await bob.watches(microphone)
    await bob.sees(microphone)
    await bob.watches(microphone)
    await bob.watches(microphone, TrackId("not-here-yet"))
    assert len(bob.offers) == 1


async def test_a_track_wanted_before_it_is_there_flows_once_it_starts(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    await bob.watches(TrackId("alice-audio-1"))
    assert bob.offers == []
    microphone = await alice.publishes_microphone()
    await bob.sees(microphone)


async def test_a_publisher_that_leaves_goes_from_the_map_and_its_section_is_used_again(lobby: Stage) -> None:
    alice, bob, carol = lobby.person("alice"), lobby.person("bob"), lobby.person("carol")
    one = await alice.publishes_microphone()
    two = await carol.publishes_microphone()
    await bob.watches(one)
    await bob.sees(one)
    await alice.leaves()
    await lobby.event(TrackStopped, lambda event: event.track == one)
    assert carried(await lobby.offer(bob, 2)) == set()
    await bob.watches(one, two)
    await bob.sees(two)
    assert bob.offers[-1].sdp.count("m=") == 1


async def test_a_new_owner_gets_the_pending_offer_again_and_the_call_goes_on(lobby: Stage) -> None:
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
    assert not status.subscriber.pending
    assert status.subscriber.connected
    assert len(bob.offers) == 2


async def test_a_repeated_offer_gets_its_answer_again_and_changes_nothing(lobby: Stage) -> None:
    alice = lobby.person("alice")
    microphone = await alice.publishes_microphone()
    await lobby.started(microphone)
    offer = await alice.offer()
    first = await lobby.node.publish(alice.ref, offer)
    assert await lobby.node.publish(alice.ref, offer) == first
    with pytest.raises(StaleNegotiation):
        await lobby.node.publish(alice.ref, offer.model_copy(update={"negotiation": offer.negotiation - 1}))
    assert lobby.count(TrackStopped) == 0


async def test_a_repeated_answer_is_a_no_op_and_a_stale_one_is_refused(lobby: Stage) -> None:
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


async def test_what_is_not_here_is_said(lobby: Stage) -> None:
    alice = lobby.person("alice")
    node, elsewhere = lobby.node, RoomRef(room=RoomId("lobby"), incarnation=Incarnation("second"))
    stranger = alice.ref.model_copy(update={"room": elsewhere})
    alice.publisher.addTransceiver("audio")
    offer = await alice.offer()
    for call in (node.publish(stranger, offer), node.subscribe(stranger, []), node.peers(elsewhere)):
        with pytest.raises(RoomNotFound):
            await call
    for unknown in (
        node.answer(alice.ref, 1, offer.sdp),
        node.add_candidate(alice.ref, PeerConnectionRole.PUBLISHER, None),
        node.restart_ice(alice.ref),
        node.mute_track(alice.ref, TrackId("none"), muted=True),
        node.adopt(alice.ref),
    ):
        with pytest.raises(PeerNotFound):
            await unknown
    await node.close_peer(alice.ref)
    await node.close_room(elsewhere)


async def test_a_refused_first_offer_leaves_nothing_behind(lobby: Stage, server: Server) -> None:
    alice = lobby.person("alice")
    alice.adds(TrackKind.AUDIO)
    offer = await alice.offer()
    for sdp in ("", "not SDP", refused_by_janus(offer.sdp)):
        with pytest.raises(InvalidDescription):
            await lobby.node.publish(alice.ref, offer.model_copy(update={"sdp": sdp}))
        assert await lobby.node.peers(lobby.room) == []
        assert await server.handles() == [1]


async def test_an_offer_that_janus_refuses_leaves_the_earlier_one_in_force(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    microphone = await alice.publishes_microphone()
    await bob.watches(microphone)
    await bob.sees(microphone)
    offer = await alice.offer()
    with pytest.raises(InvalidDescription):
        await lobby.node.publish(alice.ref, offer.model_copy(update={"sdp": refused_by_janus(offer.sdp)}))
    await lobby.node.publish(alice.ref, offer)
    await bob.sees(microphone)


def refused_by_janus(sdp: str) -> str:
    """It looks like SDP to us, and Janus can't parse it."""
    return sdp.replace("t=0 0\r\n", "t=0 0\r\na=group\r\nc=nonsense\r\n", 1)


async def test_a_track_muted_by_the_server_is_silent_until_it_is_unmuted(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    camera = await alice.publishes_camera()
    await bob.watches(camera)
    await bob.sees(camera)
    await lobby.node.mute_track(alice.ref, camera, muted=True)
    assert (await lobby.node.adopt(alice.ref)).muted == {camera}
    await asyncio.sleep(0.5)  # frames on their way arrive, then none
    silent = bob.frames[camera]
    await asyncio.sleep(1.0)
    assert bob.frames[camera] == silent
    await lobby.node.mute_track(alice.ref, camera, muted=False)
    await bob.sees(camera)
    with pytest.raises(TrackNotFound):
        await lobby.node.mute_track(alice.ref, TrackId("none"), muted=True)


async def test_a_mute_ends_with_its_track_though_the_section_is_used_again(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    first = await alice.publishes_camera()
    await lobby.started(first)
    await lobby.node.mute_track(alice.ref, first, muted=True)
    await alice.stops(first)
    second = await alice.publishes_camera()
    await bob.watches(second)
    await bob.sees(second)


async def test_a_track_that_shows_something_else_is_not_interrupted(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    camera = await alice.publishes_camera()
    await bob.watches(camera)
    await bob.sees(camera)
    transceiver, track = alice.tracks[camera]
    alice.tracks[camera] = (transceiver, track.model_copy(update={"source": TrackSource.SCREEN}))
    await alice.negotiates()
    await bob.sees(camera)
    assert lobby.count(TrackStopped) == 0
    assert len(bob.offers) == 1


async def test_candidates_are_taken_and_nonsense_is_refused(lobby: Stage) -> None:
    alice = lobby.person("alice")
    await alice.publishes_microphone()
    add = lobby.node.add_candidate
    good = IceCandidate(candidate="candidate:1 1 udp 2130706431 127.0.0.1 9 typ host", sdpMid="0", sdpMLineIndex=0)
    await add(alice.ref, PeerConnectionRole.PUBLISHER, good)
    await add(alice.ref, PeerConnectionRole.PUBLISHER, None)
    await add(alice.ref, PeerConnectionRole.SUBSCRIBER, good)
    for bad in (IceCandidate(candidate="a\r\nb", sdpMid="0"), IceCandidate(candidate=good.candidate)):
        with pytest.raises(InvalidDescription):
            await add(alice.ref, PeerConnectionRole.PUBLISHER, bad)


async def test_an_ice_restart_offers_new_credentials_once_the_pending_offer_is_answered(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    microphone = await alice.publishes_microphone()
    await lobby.started(microphone)
    bob.answers = False
    await bob.watches(microphone)
    first = await lobby.offer(bob, 1)
    await lobby.node.restart_ice(bob.ref)
    assert len(bob.offers) == 1
    await bob.answers_to(first)
    second = await lobby.offer(bob, 2)
    assert ufrag(second.sdp) != ufrag(first.sdp)
    assert carried(second) == {microphone}


def ufrag(sdp: str) -> str:
    return next(line for line in sdp.splitlines() if line.startswith("a=ice-ufrag:"))
