"""What Janus does by itself: hangups, kicks, rooms that vanish or stay; and people who move within the node."""

import asyncio
from typing import Any

import pytest

from media_adapters.conformance.signs import Microphone
from media_adapters.errors import RoomNotFound, StaleNegotiation
from media_adapters.events import (
    ConnectionChanged,
    PeerClosed,
    RoomClosed,
    TrackStarted,
    TrackStopped,
)
from media_adapters.models import (
    Incarnation,
    RoomId,
    RoomRef,
    RoomSpec,
    Subscription,
    TrackId,
)
from tests.support.janus import Server
from tests.support.media import Person, Stage, carried, peer_connection


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
    await lobby.started(second)
    await bob.watches(first)
    await bob.sees(first)
    peer = lobby.node._peers[bob.ref]  # type: ignore[attr-defined]
    await peer.subscriber._connection.handle.message({"request": "configure", "restart": True})  # its offer: dropped
    await bob.watches(first, second)
    assert carried(await lobby.offer(bob, 2)) == {first, second}


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
    assert carried(await lobby.offer(bob, 2)) == set()


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
    transceiver = alice.publisher.addTransceiver(Microphone(lobby.sign(microphone)), direction="sendonly")
    alice.tracks[microphone] = (transceiver, track)
    await alice.negotiates()
    await bob.is_offered({microphone})
    before = bob.frames[microphone]
    await asyncio.sleep(1.0)
    assert bob.frames[microphone] == before
    await lobby.node.mute_track(alice.ref, microphone, muted=False)
    await bob.sees(microphone)
