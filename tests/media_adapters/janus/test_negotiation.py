"""Offers, answers and what clients, networks and owners do to them."""

import asyncio
from typing import Any

import pytest
from aiortc.mediastreams import AudioStreamTrack

from media_adapters.errors import InvalidDescription, PeerNotFound, RoomNotFound, StaleNegotiation, TrackNotFound
from media_adapters.events import (
    ConnectionChanged,
    PeerClosed,
    RoomClosed,
    SubscriberOffered,
    TrackStarted,
    TrackStopped,
)
from media_adapters.models import (
    IceCandidate,
    Incarnation,
    PeerConnectionRole,
    RoomId,
    RoomRef,
    RoomSpec,
    Subscription,
    TrackId,
    TrackKind,
    TrackSource,
)
from tests.support.janus import Server
from tests.support.media import Person, Stage, peer_connection


def carried(offer: SubscriberOffered) -> set[str]:
    return {entry.track for entry in offer.tracks}


async def nth_offer(lobby: Stage, person: Person, number: int) -> SubscriberOffered:
    return await lobby.event(SubscriberOffered, lambda event: event.peer == person.ref and event.negotiation == number)


async def started(lobby: Stage, track: TrackId) -> None:
    await lobby.event(TrackStarted, lambda event: event.track.id == track)


async def test_changes_while_an_offer_is_unanswered_come_in_one_offer_after_the_answer(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    first = await alice.publishes_microphone()
    await started(lobby, first)
    bob.answers = False
    await bob.watches(first)
    offer = await nth_offer(lobby, bob, 1)
    second = await alice.publishes_camera()
    third = await alice.publishes_camera()
    await bob.watches(first, second)
    await bob.watches(first, second, third)
    assert len(bob.offers) == 1
    bob.answers = True
    await bob.answers_to(offer)
    assert carried(await nth_offer(lobby, bob, 2)) == {first, second, third}
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
    assert carried(await nth_offer(lobby, bob, 2)) == set()
    await bob.watches(one, two)
    await bob.sees(two)
    assert bob.offers[-1].sdp.count("m=") == 1


async def test_a_new_owner_gets_the_pending_offer_again_and_the_call_goes_on(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    microphone = await alice.publishes_microphone()
    await started(lobby, microphone)
    bob.answers = False
    await bob.watches(microphone)
    lost = await nth_offer(lobby, bob, 1)
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
    await started(lobby, microphone)
    offer = await alice.offer()
    first = await lobby.node.publish(alice.ref, offer)
    assert await lobby.node.publish(alice.ref, offer) == first
    with pytest.raises(StaleNegotiation):
        await lobby.node.publish(alice.ref, offer.model_copy(update={"negotiation": offer.negotiation - 1}))
    assert lobby.count(TrackStopped) == 0


async def test_a_repeated_answer_is_a_no_op_and_a_stale_one_is_refused(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    microphone = await alice.publishes_microphone()
    await started(lobby, microphone)
    bob.answers = False
    await bob.watches(microphone)
    offer = await nth_offer(lobby, bob, 1)
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
    alice.adds(AudioStreamTrack(), TrackKind.AUDIO, TrackSource.MICROPHONE)
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
    await started(lobby, first)
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


async def test_a_muted_track_stays_muted_when_its_publisher_comes_back_after_a_hangup(
    lobby: Stage, server: Server
) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    microphone = await alice.publishes_microphone()
    await bob.watches(microphone)
    await bob.sees(microphone)
    await lobby.node.mute_track(alice.ref, microphone, muted=True)
    handle = lobby.node._peers[alice.ref].publisher._handle  # type: ignore[attr-defined]
    await server.admin("hangup_webrtc", await handle_of(server, handle))
    await bob.is_offered(set())
    await alice.publisher.close()
    _, track = alice.tracks.pop(microphone)
    alice.publisher = peer_connection()
    transceiver = alice.publisher.addTransceiver(AudioStreamTrack(), direction="sendonly")
    alice.tracks[microphone] = (transceiver, track)
    await alice.negotiates()
    await bob.is_offered({microphone})
    before = bob.frames[microphone]
    await asyncio.sleep(1.0)
    assert bob.frames[microphone] == before
    await lobby.node.mute_track(alice.ref, microphone, muted=False)
    await bob.sees(microphone)


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
    await started(lobby, microphone)
    bob.answers = False
    await bob.watches(microphone)
    first = await nth_offer(lobby, bob, 1)
    await lobby.node.restart_ice(bob.ref)
    assert len(bob.offers) == 1
    await bob.answers_to(first)
    second = await nth_offer(lobby, bob, 2)
    assert ufrag(second.sdp) != ufrag(first.sdp)
    assert carried(second) == {microphone}


def ufrag(sdp: str) -> str:
    return next(line for line in sdp.splitlines() if line.startswith("a=ice-ufrag:"))


async def handle_of(server: Server, part: Any) -> dict[str, int]:
    (session,) = (await server.admin("list_sessions"))["sessions"]
    return {"session_id": session, "handle_id": part.id}


async def test_a_hung_up_subscriber_is_told_and_comes_back_with_a_restart(lobby: Stage, server: Server) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    microphone = await alice.publishes_microphone()
    await bob.watches(microphone)
    await bob.sees(microphone)
    handle = lobby.node._peers[bob.ref].subscriber._connection.handle  # type: ignore[attr-defined]
    await server.admin("hangup_webrtc", await handle_of(server, handle))
    await lobby.event(ConnectionChanged, lambda event: event.peer == bob.ref and not event.connected)
    with pytest.raises(StaleNegotiation):
        await lobby.node.answer(bob.ref, 2, bob.offers[0].sdp)
    again = Person(lobby, bob.ref)
    await lobby.node.restart_ice(bob.ref)
    await again.sees(microphone)
    await bob.hangs_up()
    lobby.people[bob.ref] = again


async def test_a_hung_up_publisher_loses_its_tracks_and_publishes_again(lobby: Stage, server: Server) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    microphone = await alice.publishes_microphone()
    await bob.watches(microphone)
    await bob.sees(microphone)
    handle = lobby.node._peers[alice.ref].publisher._handle  # type: ignore[attr-defined]
    await server.admin("hangup_webrtc", await handle_of(server, handle))
    await lobby.event(ConnectionChanged, lambda event: event.peer == alice.ref and not event.connected)
    await lobby.event(TrackStopped, lambda event: event.track == microphone)
    await alice.publisher.close()
    alice.publisher, alice.tracks = peer_connection(), {}
    again = await alice.publishes_microphone()
    await bob.watches(again)
    await bob.sees(again)


async def test_an_offer_that_got_lost_inside_does_not_wedge_the_subscriber(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    first, second = await alice.publishes_microphone(), await alice.publishes_camera()
    await started(lobby, second)
    await bob.watches(first)
    await bob.sees(first)
    peer = lobby.node._peers[bob.ref]  # type: ignore[attr-defined]
    await peer.subscriber._connection.handle.message({"request": "configure", "restart": True})  # its offer: dropped
    await bob.watches(first, second)
    assert carried(await nth_offer(lobby, bob, 2)) == {first, second}


async def test_who_is_kicked_inside_janus_is_gone_from_the_node_too(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    microphone = await alice.publishes_microphone()
    await bob.watches(microphone)
    await bob.sees(microphone)
    node: Any = lobby.node
    publisher = node._peers[alice.ref].publisher
    await node._control.message({"request": "kick", "room": publisher._room.id, "id": publisher._feed})
    await lobby.event(TrackStopped, lambda event: event.track == microphone)
    assert (await lobby.event(PeerClosed)).peer == alice.ref
    assert carried(await nth_offer(lobby, bob, 2)) == set()


async def test_a_room_destroyed_inside_janus_is_gone_from_the_node_too(lobby: Stage, server: Server) -> None:
    alice = lobby.person("alice")
    await alice.publishes_microphone()
    node: Any = lobby.node
    await node._control.message({"request": "destroy", "room": node._rooms[lobby.room].id})
    assert (await lobby.event(RoomClosed)).room == lobby.room
    assert (await lobby.event(PeerClosed)).peer == alice.ref
    with pytest.raises(RoomNotFound):
        await lobby.node.subscribe(alice.ref, [Subscription(track=TrackId("anything"))])
    assert await server.handles() == [1]


async def test_opening_and_closing_a_room_twice_is_a_no_op(lobby: Stage, server: Server) -> None:
    alice = lobby.person("alice")
    await alice.publishes_microphone()
    await lobby.node.open_room(lobby.room, RoomSpec(video_codecs=("H264",)))
    await asyncio.gather(lobby.node.close_room(lobby.room), lobby.node.close_room(lobby.room))
    assert await server.handles() == [1]
    assert lobby.count(RoomClosed) == 1
    await lobby.node.open_room(lobby.room, RoomSpec())
    assert await lobby.node.peers(lobby.room) == []


async def test_a_room_that_outlived_its_adapter_is_used_again(server: Server) -> None:
    room = RoomRef(room=RoomId("lobby"), incarnation=Incarnation("first"))
    async with server.node() as first, server.node() as second:
        await first.open_room(room, RoomSpec())
        await second.open_room(room, RoomSpec())
        assert await second.peers(room) == []


async def test_a_participant_who_moves_within_the_node_is_seen_all_along(lobby: Stage) -> None:
    before, after, bob = lobby.person("alice", epoch=1), lobby.person("alice", epoch=2), lobby.person("bob")
    camera = await before.publishes_camera()
    await bob.watches(camera)
    await bob.sees(camera)
    assert await after.publishes_camera() == camera
    await lobby.event(TrackStarted, lambda event: event.peer == after.ref)
    await before.leaves()
    await bob.sees(camera)
    assert lobby.count(TrackStopped) == 1
