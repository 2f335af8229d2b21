"""The publisher's side: offers answered, repeated, renegotiated, trickled, and what is told of them."""

import asyncio
import re

import pytest

from media_adapters.conformance.base import Conformance
from media_adapters.conformance.stage import Stage
from media_adapters.errors import StaleNegotiation
from media_adapters.events import ConnectionChanged, TrackStarted, TrackStopped
from media_adapters.models import IceCandidate, PeerConnectionRole, TrackKind, TrackSource


class Publishing(Conformance):
    @pytest.mark.parametrize(
        "kinds",
        [
            (TrackKind.AUDIO, TrackKind.VIDEO),
            (TrackKind.VIDEO, TrackKind.AUDIO),
            (TrackKind.VIDEO, TrackKind.AUDIO, TrackKind.VIDEO, TrackKind.AUDIO),
        ],
        ids=["audio-first", "video-first", "two-of-each"],
    )
    async def test_tracks_in_any_order_are_seen_and_heard_each_as_itself(
        self, lobby: Stage, kinds: tuple[TrackKind, ...]
    ) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        tracks = await alice.publishes(*kinds)
        await bob.watches(*tracks)
        await bob.sees(*tracks)

    async def test_events_of_a_publisher_come_in_their_order(self, lobby: Stage) -> None:
        alice = lobby.person("alice")
        camera, microphone = await alice.publishes(TrackKind.VIDEO, TrackKind.AUDIO)
        await lobby.started(camera, microphone)
        await lobby.event(ConnectionChanged, lambda event: event.connected and event.receiving)
        status = await lobby.node.adopt(alice.ref)
        assert (status.publisher.connected, status.publisher.receiving) == (True, True)
        assert {track.id for track in status.tracks} == {camera, microphone}
        await alice.stops(camera)
        await lobby.stopped(camera)
        assert [track.id for track in (await lobby.node.adopt(alice.ref)).tracks] == [microphone]
        assert lobby.life_of(camera) == ["track_started", "track_stopped"]
        assert lobby.life_of(microphone) == ["track_started"]

    async def test_a_track_is_told_as_it_was_offered(self, lobby: Stage) -> None:
        alice = lobby.person("alice")
        camera = await alice.publishes_camera()
        started = await lobby.event(TrackStarted)
        assert (started.peer, started.track) == (alice.ref, alice.published(camera))
        assert (await lobby.node.adopt(alice.ref)).tracks == (alice.published(camera),)

    async def test_a_repeated_offer_gets_its_answer_again_and_an_older_one_is_stale(self, lobby: Stage) -> None:
        alice = lobby.person("alice")
        microphone = await alice.publishes_microphone()
        await lobby.started(microphone)
        offer = await alice.offer()
        first = await lobby.node.publish(alice.ref, offer)
        assert first.negotiation == offer.negotiation
        assert await lobby.node.publish(alice.ref, offer) == first
        with pytest.raises(StaleNegotiation):
            await lobby.node.publish(alice.ref, offer.model_copy(update={"negotiation": offer.negotiation - 1}))
        assert lobby.count(TrackStopped) == 0
        assert lobby.count(TrackStarted) == 1

    async def test_tracks_come_and_go_while_another_is_heard(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        microphone = await alice.publishes_microphone()
        await bob.watches(microphone)
        for _ in range(3):
            camera = await alice.publishes_camera()
            await bob.watches(microphone, camera)
            await bob.sees(camera, microphone)
            await alice.stops(camera)
            await lobby.stopped(camera)
            await bob.is_offered({microphone})
        await bob.sees(microphone)

    async def test_a_track_that_shows_something_else_is_not_interrupted(self, lobby: Stage) -> None:
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

    async def test_candidates_that_trickle_in_connect(self, lobby: Stage) -> None:
        alice = lobby.person("alice")
        alice.adds(TrackKind.AUDIO)
        offer = await alice.offer()
        bare = re.sub(r"a=(candidate|end-of-candidates)[^\n]*\n", "", offer.sdp)
        answer = await lobby.node.publish(alice.ref, offer.model_copy(update={"sdp": bare}))
        for line in re.findall(r"a=(candidate:[^\r\n]*)", offer.sdp):
            candidate = IceCandidate(candidate=line, sdp_mid=offer.tracks[0].mid, sdp_m_line_index=0)
            await lobby.node.add_candidate(alice.ref, PeerConnectionRole.PUBLISHER, candidate)
        await lobby.node.add_candidate(alice.ref, PeerConnectionRole.PUBLISHER, None)
        await alice.takes(answer)
        await lobby.started(*alice.tracks)

    async def test_two_who_publish_at_once_are_not_mixed_up(self, lobby: Stage) -> None:
        alice, bob, carol = (lobby.person(name) for name in ("alice", "bob", "carol"))
        await asyncio.gather(*(one.publishes(TrackKind.VIDEO, TrackKind.AUDIO) for one in (alice, bob, carol)))
        await asyncio.gather(
            alice.watches(*bob.tracks, *carol.tracks),
            bob.watches(*alice.tracks, *carol.tracks),
            carol.watches(*alice.tracks, *bob.tracks),
        )
        await alice.sees(*bob.tracks, *carol.tracks)
        await bob.sees(*alice.tracks, *carol.tracks)
        await carol.sees(*alice.tracks, *bob.tracks)
