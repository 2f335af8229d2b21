"""What an adapter may declare: it does it if it declares it, and refuses it if it does not."""

import asyncio

import pytest

from media_adapters.conformance.base import Conformance, needs
from media_adapters.conformance.receiver import receiver
from media_adapters.conformance.stage import Stage, carried
from media_adapters.conformance.subject import Subject
from media_adapters.errors import PeerNotFound, TrackNotFound, Unsupported
from media_adapters.models import Capability, Subscription, TapId, TrackId, TrackKind

SILENCE = 0.6
"""Seconds without a frame that prove a mute, once those under way have come."""


class Capabilities(Conformance):
    async def test_what_is_not_declared_is_refused_and_never_ignored(self, subject: Subject, lobby: Stage) -> None:
        undeclared = set(Capability) - (await subject.node.describe()).capabilities
        if not undeclared:
            pytest.skip("declares everything")
        alice, bob, node = lobby.person("alice"), lobby.person("bob"), lobby.node
        camera = await alice.publishes_camera()
        await bob.watches(camera)
        await bob.sees(camera)
        if Capability.SERVER_MUTE in undeclared:
            with pytest.raises(Unsupported):
                await node.mute_track(alice.ref, camera, muted=True)
        if Capability.ICE_RESTART in undeclared:
            with pytest.raises(Unsupported):
                await node.restart_ice(bob.ref)
        if Capability.SIMULCAST in undeclared:
            alice.adds(TrackKind.VIDEO, simulcast=True)
            with pytest.raises(Unsupported):
                await node.publish(alice.ref, await alice.offer())
        if Capability.TAP in undeclared:
            await _refuses_taps(lobby, camera)
        if Capability.PLAY in undeclared:
            carol = lobby.person("carol")
            with pytest.raises(Unsupported):
                await node.play(carol.ref, await carol.players_offer(TrackKind.VIDEO), [Subscription(track=camera)])
        await bob.sees(camera)

    async def test_a_muted_track_is_silent_until_it_is_unmuted(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.SERVER_MUTE)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera, microphone = await alice.publishes(TrackKind.VIDEO, TrackKind.AUDIO)
        await bob.watches(camera, microphone)
        await bob.sees(camera, microphone)
        for _ in range(2):
            await lobby.node.mute_track(alice.ref, camera, muted=True)
        assert (await lobby.node.adopt(alice.ref)).muted == {camera}
        await asyncio.sleep(SILENCE)
        silent = bob.frames[camera]
        await bob.sees(microphone, frames=int(SILENCE * 50))
        assert bob.frames[camera] == silent
        await lobby.node.mute_track(alice.ref, camera, muted=False)
        await bob.sees(camera)
        assert (await lobby.node.adopt(alice.ref)).muted == frozenset()

    async def test_a_mute_ends_with_its_track_though_the_m_section_is_used_again(
        self, subject: Subject, lobby: Stage
    ) -> None:
        await needs(subject, Capability.SERVER_MUTE)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        first = await alice.publishes_camera()
        await lobby.started(first)
        await lobby.node.mute_track(alice.ref, first, muted=True)
        await alice.stops(first)
        second = await alice.publishes_camera()
        await bob.watches(second)
        await bob.sees(second)

    async def test_muting_what_is_not_there_is_refused(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.SERVER_MUTE)
        alice = lobby.person("alice")
        with pytest.raises(PeerNotFound):
            await lobby.node.mute_track(alice.ref, TrackId("not-there"), muted=True)
        await alice.publishes_microphone()
        with pytest.raises(TrackNotFound):
            await lobby.node.mute_track(alice.ref, TrackId("not-there"), muted=True)

    async def test_an_ice_restart_offers_new_credentials_once_the_pending_offer_is_answered(
        self, subject: Subject, lobby: Stage
    ) -> None:
        await needs(subject, Capability.ICE_RESTART)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        with pytest.raises(PeerNotFound):
            await lobby.node.restart_ice(bob.ref)
        microphone = await alice.publishes_microphone()
        await lobby.started(microphone)
        bob.answers = False
        await bob.watches(microphone)
        first = await lobby.offer(bob, 1)
        await lobby.node.restart_ice(bob.ref)
        assert len(bob.offers) == 1
        await bob.answers_to(first)
        second = await lobby.offer(bob, 2)
        assert _ufrags(second.sdp).isdisjoint(_ufrags(first.sdp))
        assert carried(second) == {microphone}


async def _refuses_taps(lobby: Stage, track: TrackId) -> None:
    (peer,) = (status.peer for status in await lobby.node.peers(lobby.room) if status.tracks)
    async with receiver() as (received, target):
        with pytest.raises(Unsupported):
            await lobby.node.tap(peer, track, target)
        with pytest.raises(Unsupported):
            await lobby.node.request_key_frame(peer, track)
        with pytest.raises(Unsupported):
            await lobby.node.untap(peer, TapId("not-there"))
        assert await received.is_silent()


def _ufrags(sdp: str) -> set[str]:
    return {line for line in sdp.splitlines() if line.startswith("a=ice-ufrag:")}
