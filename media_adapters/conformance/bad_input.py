"""What clients must not get through with: each is a clear error, and nothing of it stays."""

import re
from collections.abc import Callable

import pytest

from media_adapters.conformance.base import Conformance
from media_adapters.conformance.people import Person
from media_adapters.conformance.stage import Stage
from media_adapters.errors import InvalidDescription, StaleNegotiation
from media_adapters.models import IceCandidate, PeerConnectionRole, PublisherOffer, TrackKind

NO_MEDIA = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


def without(sdp: str, attribute: str) -> str:
    return re.sub(rf"a={attribute}[^\n]*\n", "", sdp)


def with_500_sections(sdp: str) -> str:
    """The first as it is, the others as short as a bundle allows, so that the length is not what is refused."""
    kind = sdp.split("m=", 1)[1].split(" ", 1)[0]
    lines = (
        f"m={kind} 9 UDP/TLS/RTP/SAVPF 96",
        "c=IN IP4 0.0.0.0",
        "a=rtpmap:96 opus/48000/2",
        "a=sendonly",
        "a=mid:more",
    )
    short = "\r\n".join(lines)
    return sdp + "".join(f"{short}{number}\r\n" for number in range(499))


BROKEN: dict[str, Callable[[str], str]] = {
    "empty": lambda _sdp: "",
    "no-sdp": lambda _sdp: "GET / HTTP/1.1\r\n\r\n",
    "no-media": lambda _sdp: NO_MEDIA,
    "no-fingerprint": lambda sdp: without(sdp, "fingerprint"),
    "no-ice-credentials": lambda sdp: without(sdp, "ice-"),
    "500-sections": with_500_sections,
    "cut-off": lambda sdp: sdp[: sdp.index("m=") + 9],
    "broken-line": lambda sdp: sdp.replace("a=mid:", "a=mid:\x00"),
}


class BadInput(Conformance):
    @pytest.mark.parametrize("broken", BROKEN)
    async def test_a_broken_first_offer_is_refused_and_leaves_nothing(self, lobby: Stage, broken: str) -> None:
        alice = lobby.person("alice")
        offer = await _first_offer(alice)
        with pytest.raises(InvalidDescription):
            await lobby.node.publish(alice.ref, offer.model_copy(update={"sdp": BROKEN[broken](offer.sdp)}))
        assert await lobby.node.peers(lobby.room) == []

    @pytest.mark.parametrize("broken", ["no-media", "no-fingerprint", "500-sections"])
    async def test_a_broken_later_offer_leaves_the_earlier_one_in_force(self, lobby: Stage, broken: str) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        microphone = await alice.publishes_microphone()
        await bob.watches(microphone)
        await bob.sees(microphone)
        offer = await alice.offer()
        with pytest.raises(InvalidDescription):
            await lobby.node.publish(alice.ref, offer.model_copy(update={"sdp": BROKEN[broken](offer.sdp)}))
        await alice.takes(await lobby.node.publish(alice.ref, offer))
        await bob.sees(microphone)

    async def test_an_m_section_of_unknown_codecs_is_refused_or_answered_as_rejected(self, lobby: Stage) -> None:
        alice = lobby.person("alice")
        offer = await _first_offer(alice)
        unknown = re.sub(r"(a=rtpmap:\d+ )[^/]+/", r"\1carrier-pigeon/", offer.sdp)
        try:
            answer = await lobby.node.publish(alice.ref, offer.model_copy(update={"sdp": unknown}))
        except InvalidDescription:
            assert await lobby.node.peers(lobby.room) == []
        else:
            assert re.search(r"^m=audio 0 |^a=inactive", answer.sdp, re.MULTILINE)
            assert (await lobby.node.adopt(alice.ref)).tracks == ()

    async def test_tracks_that_the_offer_does_not_have_are_refused(self, lobby: Stage) -> None:
        alice = lobby.person("alice")
        offer = await _first_offer(alice)
        (track,) = offer.tracks
        for tracks in (
            (track.model_copy(update={"mid": "nowhere"}),),
            (track.model_copy(update={"kind": TrackKind.VIDEO}),),
            (track, track),
        ):
            with pytest.raises(InvalidDescription):
                await lobby.node.publish(alice.ref, offer.model_copy(update={"tracks": tracks}))
        assert await lobby.node.peers(lobby.room) == []

    async def test_an_answer_to_an_offer_that_was_never_made_is_stale(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        microphone = await alice.publishes_microphone()
        await bob.watches(microphone)
        await bob.sees(microphone)
        sdp = bob.subscriber.localDescription.sdp
        with pytest.raises(StaleNegotiation):
            await lobby.node.answer(bob.ref, 77, sdp)
        with pytest.raises(StaleNegotiation):
            await lobby.node.answer(alice.ref, 1, sdp)
        await bob.sees(microphone)

    @pytest.mark.parametrize("broken", ["empty", "no-media", "no-fingerprint", "500-sections"])
    async def test_a_broken_answer_is_refused_and_a_good_one_taken_after_it(self, lobby: Stage, broken: str) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        microphone = await alice.publishes_microphone()
        await lobby.started(microphone)
        bob.answers = False
        await bob.watches(microphone)
        offer = await lobby.offer(bob, 1)
        sdp = await bob.accepts(offer)
        with pytest.raises(InvalidDescription):
            await lobby.node.answer(bob.ref, 1, BROKEN[broken](sdp))
        await lobby.node.answer(bob.ref, 1, sdp)
        await bob.sees(microphone)

    async def test_candidates_that_are_none_are_refused(self, lobby: Stage) -> None:
        alice = lobby.person("alice")
        await alice.publishes_microphone()
        good = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"
        for bad in (IceCandidate(candidate=f"{good}\r\na=x", sdp_mid="0"), IceCandidate(candidate=good)):
            with pytest.raises(InvalidDescription):
                await lobby.node.add_candidate(alice.ref, PeerConnectionRole.PUBLISHER, bad)


async def _first_offer(person: Person) -> PublisherOffer:
    person.adds(TrackKind.AUDIO)
    return await person.offer()
