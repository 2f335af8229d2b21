"""Playing: who can't be offered anything offers once itself, and gets what was decided then."""

import asyncio

import pytest

from media_adapters.conformance.base import Conformance, needs
from media_adapters.conformance.capabilities import SILENCE
from media_adapters.conformance.stage import Stage
from media_adapters.conformance.subject import Subject
from media_adapters.errors import InvalidDescription, RoomNotFound, TrackNotFound
from media_adapters.events import ConnectionChanged
from media_adapters.models import Capability, Subscription, TrackId, TrackKind

AUDIO, VIDEO = TrackKind.AUDIO, TrackKind.VIDEO


class Playing(Conformance):
    async def test_a_player_gets_what_its_offer_has_room_for_and_nothing_later(
        self, subject: Subject, lobby: Stage
    ) -> None:
        await needs(subject, Capability.PLAY)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera, microphone, screen = await alice.publishes(VIDEO, AUDIO, VIDEO)
        await lobby.started(camera, microphone, screen)
        answer = await bob.plays(await bob.players_offer(AUDIO, VIDEO), camera, screen, microphone)
        assert {entry.track for entry in answer.tracks} == {camera, microphone}
        await bob.sees(camera, microphone)
        await lobby.event(ConnectionChanged, lambda event: event.peer == bob.ref and event.connected)
        await alice.stops(microphone)
        await bob.sees(camera)
        assert not bob.offers
        assert (await lobby.node.adopt(bob.ref)).subscriber.connected

    async def test_sections_without_a_track_are_inactive(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.PLAY)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        answer = await bob.plays(await bob.players_offer(VIDEO, AUDIO, VIDEO), TrackId("not-there"), camera)
        assert [entry.track for entry in answer.tracks] == [camera]
        assert (answer.sdp.count("a=sendonly"), answer.sdp.count("a=inactive")) == (1, 2)
        await bob.sees(camera)

    async def test_players_with_payload_types_of_their_own_each_get_theirs(
        self, subject: Subject, lobby: Stage
    ) -> None:
        await needs(subject, Capability.PLAY)
        alice, bob, carol = lobby.person("alice"), lobby.person("bob"), lobby.person("carol")
        camera, microphone = await alice.publishes(VIDEO, AUDIO)
        await lobby.started(camera, microphone)
        await carol.watches(camera, microphone)
        await bob.plays(await bob.players_offer(VIDEO, AUDIO), camera, microphone)
        await bob.sees(camera, microphone)
        await carol.sees(camera, microphone)
        await bob.leaves()
        await carol.sees(camera, microphone)

    async def test_repeating_an_offer_returns_its_answer_and_a_later_one_restarts_ice(
        self, subject: Subject, lobby: Stage
    ) -> None:
        await needs(subject, Capability.PLAY)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        offer, wanted = await bob.players_offer(VIDEO), [Subscription(track=camera)]
        answer = await bob.plays(offer, camera)
        await bob.sees(camera)
        assert await lobby.node.play(bob.ref, offer, wanted) == answer
        again = offer.model_copy(update={"negotiation": 2, "sdp": _with_ufrag(offer.sdp, "another1")})
        renewed = await lobby.node.play(bob.ref, again, wanted)
        assert renewed.tracks == answer.tracks
        assert _ufrags(renewed.sdp).isdisjoint(_ufrags(answer.sdp))

    async def test_a_player_that_is_closed_gets_nothing_more(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.PLAY)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        await bob.plays(await bob.players_offer(VIDEO), camera)
        await bob.sees(camera)
        await lobby.node.close_peer(bob.ref)
        assert bob.ref not in {status.peer for status in await lobby.node.peers(lobby.room)}
        await asyncio.sleep(SILENCE)
        silent = bob.frames[camera]
        await asyncio.sleep(SILENCE)
        assert bob.frames[camera] == silent

    async def test_what_can_not_be_played_is_refused_and_leaves_nothing(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.PLAY)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        microphone = await alice.publishes_microphone()
        await lobby.started(microphone)
        wanted, offer = [Subscription(track=microphone)], await bob.players_offer(VIDEO)
        with pytest.raises(TrackNotFound):
            await lobby.node.play(bob.ref, offer, [Subscription(track=TrackId("not-there"))])
        with pytest.raises(TrackNotFound):
            await lobby.node.play(bob.ref, offer, wanted)
        with pytest.raises(InvalidDescription):
            await lobby.node.play(bob.ref, offer.model_copy(update={"sdp": "v=0\r\n"}), wanted)
        elsewhere = lobby.room.model_copy(update={"incarnation": "another"})
        with pytest.raises(RoomNotFound):
            await lobby.node.play(bob.ref.model_copy(update={"room": elsewhere}), offer, wanted)
        assert [status.peer for status in await lobby.node.peers(lobby.room)] == [alice.ref]

    async def test_who_plays_does_not_subscribe_besides(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.PLAY)
        alice, bob, carol = lobby.person("alice"), lobby.person("bob"), lobby.person("carol")
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        await bob.plays(await bob.players_offer(VIDEO), camera)
        with pytest.raises(InvalidDescription):
            await bob.watches(camera)
        await carol.watches(camera)
        with pytest.raises(InvalidDescription):
            await lobby.node.play(carol.ref, await bob.players_offer(), [Subscription(track=camera)])
        await bob.sees(camera)
        await carol.sees(camera)


def _with_ufrag(sdp: str, ufrag: str) -> str:
    lines = (f"a=ice-ufrag:{ufrag}" if line.startswith("a=ice-ufrag:") else line for line in sdp.splitlines())
    return "\r\n".join(lines) + "\r\n"


def _ufrags(sdp: str) -> set[str]:
    return {line for line in sdp.splitlines() if line.startswith("a=ice-ufrag:")}
