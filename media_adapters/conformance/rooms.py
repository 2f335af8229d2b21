"""Rooms and peers: made, made again, closed, closed again, and asked for when they are not there."""

import asyncio

import pytest

from media_adapters.conformance.base import Conformance, close_peers
from media_adapters.conformance.stage import Stage, new_room
from media_adapters.conformance.subject import Subject
from media_adapters.errors import PeerNotFound, RoomNotFound
from media_adapters.events import PeerClosed, TrackStopped
from media_adapters.models import PeerConnectionRole, RoomSpec, TrackKind


class Rooms(Conformance):
    async def test_the_node_says_who_it_is(self, subject: Subject) -> None:
        description = await subject.node.describe()
        assert description.backend
        assert description.version
        assert await subject.node.describe() == description

    async def test_opening_an_open_room_changes_nothing(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        microphone = await alice.publishes_microphone()
        await bob.watches(microphone)
        await bob.sees(microphone)
        await lobby.node.open_room(lobby.room, RoomSpec(video_codecs=("VP8",), max_bitrate=500_000))
        await bob.sees(microphone)
        assert {status.peer for status in await lobby.node.peers(lobby.room)} == {alice.ref, bob.ref}

    async def test_a_room_opened_by_many_at_once_is_one_room(self, subject: Subject) -> None:
        room = new_room("at-once")
        before = (await subject.node.load()).rooms
        await asyncio.gather(*(subject.node.open_room(room, RoomSpec()) for _ in range(5)))
        assert (await subject.node.load()).rooms == before + 1
        await asyncio.gather(*(subject.node.close_room(room) for _ in range(2)))
        await subject.node.close_room(room)
        assert (await subject.node.load()).rooms == before

    async def test_a_closed_room_is_gone_with_everybody_in_it(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        await bob.watches(await alice.publishes_microphone())
        await bob.sees(*alice.tracks)
        offer = await alice.offer()
        await lobby.node.close_room(lobby.room)
        for refused in (
            lobby.node.publish(alice.ref, offer),
            lobby.node.subscribe(bob.ref, []),
            lobby.node.peers(lobby.room),
        ):
            with pytest.raises(RoomNotFound):
                await refused
        for gone in (lobby.node.adopt(alice.ref), lobby.node.answer(bob.ref, 1, offer.sdp)):
            with pytest.raises((PeerNotFound, RoomNotFound)):
                await gone
        await lobby.node.close_peer(alice.ref)
        await lobby.node.open_room(lobby.room, RoomSpec())
        assert await lobby.node.peers(lobby.room) == []

    async def test_another_incarnation_is_another_room(self, lobby: Stage) -> None:
        alice = lobby.person("alice")
        await alice.publishes_microphone()
        again = new_room(lobby.room.room)
        with pytest.raises(RoomNotFound):
            await lobby.node.peers(again)
        await lobby.node.open_room(again, RoomSpec())
        assert await lobby.node.peers(again) == []
        await lobby.node.close_room(again)
        assert [status.peer for status in await lobby.node.peers(lobby.room)] == [alice.ref]

    async def test_what_is_not_here_is_said(self, lobby: Stage) -> None:
        alice, node = lobby.person("alice"), lobby.node
        alice.adds(TrackKind.AUDIO)
        offer = await alice.offer()
        stranger = alice.ref.model_copy(update={"room": new_room("elsewhere")})
        for call in (node.publish(stranger, offer), node.subscribe(stranger, []), node.peers(stranger.room)):
            with pytest.raises(RoomNotFound):
                await call
        for unknown in (
            node.answer(alice.ref, 1, offer.sdp),
            node.add_candidate(alice.ref, PeerConnectionRole.PUBLISHER, None),
            node.adopt(alice.ref),
        ):
            with pytest.raises(PeerNotFound):
                await unknown
        await node.close_peer(alice.ref)
        await node.close_room(stranger.room)

    async def test_a_closed_peer_is_gone_and_its_tracks_are_told_to_have_stopped(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera, microphone = await alice.publishes(TrackKind.VIDEO, TrackKind.AUDIO)
        await bob.watches(camera, microphone)
        await bob.sees(camera, microphone)
        await lobby.node.close_peer(alice.ref)
        await lobby.stopped(camera, microphone)
        await bob.is_offered(set())
        assert [status.peer for status in await lobby.node.peers(lobby.room)] == [bob.ref]
        with pytest.raises(PeerNotFound):
            await lobby.node.adopt(alice.ref)
        await lobby.node.close_peer(alice.ref)
        assert lobby.count(TrackStopped) == 2
        assert lobby.count(PeerClosed) == 0, "whoever closes a peer need not be told"

    async def test_who_left_comes_back(self, lobby: Stage) -> None:
        bob = lobby.person("bob")
        for epoch in (1, 1, 2):
            alice = lobby.person("alice", epoch=epoch)
            microphone = await alice.publishes_microphone()
            await bob.watches(microphone)
            await bob.sees(microphone)
            await alice.leaves()
            await bob.is_offered(set())

    async def test_load_counts_what_is_there(self, lobby: Stage) -> None:
        alone = await lobby.node.load()
        alice, bob = lobby.person("alice"), lobby.person("bob")
        tracks = await alice.publishes(TrackKind.VIDEO, TrackKind.AUDIO)
        await bob.watches(*tracks)
        await bob.sees(*tracks)
        busy = await lobby.node.load()
        assert (busy.rooms, busy.peers - alone.peers, busy.streams - alone.streams) == (alone.rooms, 2, 4)
        assert 0 <= busy.cpu <= 1
        await close_peers(lobby)
        empty = await lobby.node.load()
        assert (empty.peers, empty.streams) == (alone.peers, alone.streams)
