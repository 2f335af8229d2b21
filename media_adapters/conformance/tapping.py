"""Taps: a copy of a track for another process of the node."""

import asyncio
from pathlib import Path

import pytest
from av import VideoFrame

from media_adapters.conformance.base import Conformance, needs
from media_adapters.conformance.people import Person
from media_adapters.conformance.receiver import decoded, free_pair, receiver
from media_adapters.conformance.signs import Recognition
from media_adapters.conformance.stage import Stage
from media_adapters.conformance.subject import Subject
from media_adapters.errors import InvalidDescription, PeerNotFound, TrackNotFound
from media_adapters.models import Capability, Tap, TapId, TapTarget, TrackId, TrackKind

ASK_EVERY = 0.25
"""Seconds between requests for a key frame: publishers answer few of them."""
PIECES = 20


class Tapping(Conformance):
    async def test_a_picture_comes_within_two_seconds_of_asking_for_a_key_frame(
        self, subject: Subject, lobby: Stage, tmp_path: Path
    ) -> None:
        await needs(subject, Capability.TAP)
        alice = lobby.person("alice")
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        tap = await lobby.node.tap(alice.ref, camera, free_pair())
        async with asyncio.timeout(2):
            (frame, *_) = await _watch(alice, tap, tmp_path)
        assert isinstance(frame, VideoFrame)
        assert Recognition().sign(frame) == lobby.sign(camera)

    async def test_sound_is_heard_by_its_sdp(self, subject: Subject, lobby: Stage, tmp_path: Path) -> None:
        await needs(subject, Capability.TAP)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        await bob.publishes_microphone()
        microphone = await alice.publishes_microphone()
        await lobby.started(microphone, *bob.tracks)
        tap = await lobby.node.tap(alice.ref, microphone, free_pair())
        await lobby.node.request_key_frame(alice.ref, microphone)
        recognition = Recognition()
        signs = [recognition.sign(frame) for frame in await decoded(tap, tmp_path, PIECES)]
        assert signs[-1] == lobby.sign(microphone)

    async def test_a_tap_is_what_it_says(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.TAP)
        alice = lobby.person("alice")
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        async with receiver() as (received, target):
            tap = await lobby.node.tap(alice.ref, camera, target)
            packets = await received.receives()
        assert (tap.track, tap.target) == (camera, target)
        assert {packet.payload_type for packet in packets} == {tap.codec.payload_type}
        assert {packet.ssrc for packet in packets} == {tap.codec.ssrc or packets[0].ssrc}
        assert f"m=video {target.port} " in tap.sdp
        assert "127.0.0.1" in tap.sdp

    async def test_tapping_again_to_the_same_place_is_the_same_tap(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.TAP)
        alice = lobby.person("alice")
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        async with receiver() as (received, target), receiver() as (other, elsewhere):
            first, again = await asyncio.gather(*(lobby.node.tap(alice.ref, camera, target) for _ in range(2)))
            another = await lobby.node.tap(alice.ref, camera, elsewhere)
            assert first == again
            assert another.id != first.id
            packets = await received.receives()
            assert len({packet.sequence for packet in packets}) == len(packets), "each packet comes once"
            await lobby.node.untap(alice.ref, first.id)
            assert await received.is_silent()
            await other.receives()

    async def test_stopping_what_is_stopped_or_never_was_is_a_no_op(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.TAP)
        alice = lobby.person("alice")
        await lobby.node.untap(alice.ref, TapId("never-was"))
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        async with receiver() as (received, target):
            tap = await lobby.node.tap(alice.ref, camera, target)
            await received.receives()
            for _ in range(2):
                await lobby.node.untap(alice.ref, tap.id)
            assert await received.is_silent()
        await lobby.node.untap(alice.ref, TapId("never-was"))

    async def test_a_tap_ends_with_its_track_though_the_m_section_is_used_again(
        self, subject: Subject, lobby: Stage
    ) -> None:
        await needs(subject, Capability.TAP)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        async with receiver() as (received, target):
            tap = await lobby.node.tap(alice.ref, camera, target)
            await received.receives()
            await alice.stops(camera)
            other = await alice.publishes_camera()
            await bob.watches(other)
            await bob.sees(other)
            assert await received.is_silent()
            await lobby.node.untap(alice.ref, tap.id)

    async def test_a_tap_ends_with_its_peer(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.TAP)
        alice = lobby.person("alice")
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        async with receiver() as (received, target):
            await lobby.node.tap(alice.ref, camera, target)
            await received.receives()
            await lobby.node.close_peer(alice.ref)
            assert await received.is_silent()

    async def test_a_tap_that_would_leave_the_node_is_refused(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.TAP)
        alice = lobby.person("alice")
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        for host in ("192.0.2.1", "0.0.0.0", "localhost", "2001:db8::1", ""):  # noqa: S104 - refused
            with pytest.raises(InvalidDescription):
                await lobby.node.tap(alice.ref, camera, TapTarget(host=host, port=40_000))

    async def test_tapping_what_is_not_there_is_refused(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.TAP)
        alice, target, nothing = lobby.person("alice"), TapTarget(port=40_000), TrackId("not-there")
        with pytest.raises(PeerNotFound):
            await lobby.node.tap(alice.ref, nothing, target)
        with pytest.raises(PeerNotFound):
            await lobby.node.request_key_frame(alice.ref, nothing)
        await alice.publishes(TrackKind.AUDIO)
        with pytest.raises(TrackNotFound):
            await lobby.node.tap(alice.ref, nothing, target)
        with pytest.raises(TrackNotFound):
            await lobby.node.request_key_frame(alice.ref, nothing)


async def _watch(person: Person, tap: Tap, folder: Path) -> list[object]:
    """The first picture of a tap, asked for until it is there: a receiver that has just begun missed the others."""
    picture = asyncio.create_task(decoded(tap, folder, 1))
    while not picture.done():
        await person.node.request_key_frame(person.ref, tap.track)
        await asyncio.wait({picture}, timeout=ASK_EVERY)
    return [*picture.result()]
