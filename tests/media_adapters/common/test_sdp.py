from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_adapters.common.sdp import check_answer, check_offer, parse
from media_adapters.errors import InvalidDescription
from media_adapters.models import MAX_SDP_CHARS, PublishedTrack, PublisherOffer, TrackId, TrackKind, TrackSource

SESSION = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
TRANSPORT = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 AB:CD\r\n"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" + TRANSPORT
VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n" + TRANSPORT
GOOD = SESSION + AUDIO + VIDEO


def offer(sdp: str, *tracks: PublishedTrack) -> PublisherOffer:
    return PublisherOffer(negotiation=1, sdp=sdp, tracks=tracks)


def track(name: str, mid: str, kind: TrackKind) -> PublishedTrack:
    return PublishedTrack(id=TrackId(f"{name}-track"), mid=mid, kind=kind, source=TrackSource.CAMERA)


VOICE, FACE = track("voice", "0", TrackKind.AUDIO), track("face", "1", TrackKind.VIDEO)


def test_a_proper_offer_passes() -> None:
    check_offer(offer(GOOD, VOICE, FACE))
    check_offer(offer(GOOD.replace("\r\n", "\n")))
    check_offer(offer(SESSION + TRANSPORT + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n", VOICE))
    check_offer(offer(SESSION + AUDIO + "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=inactive\r\n", VOICE))


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "v=0",
        "hello",
        SESSION,
        "v=1" + GOOD[3:],
        GOOD + "nonsense\r\n",
        GOOD + "a=x\0y\r\n",
        GOOD.replace("m=audio 9", "m=audio nine"),
        GOOD.replace("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio 9"),
        GOOD.replace("a=fingerprint:sha-256 AB:CD\r\n", ""),
        GOOD.replace("a=ice-ufrag:abcd\r\n", ""),
        GOOD.replace("a=ice-pwd:0123456789012345678901\r\n", ""),
        GOOD.replace("a=mid:1\r\n", ""),
        GOOD.replace("a=mid:1", "a=mid:0"),
        GOOD.replace("a=mid:0", "a=mid:b").replace("a=mid:1", "a=mid:B"),
        GOOD.replace("a=mid:1", "a=mid:12345678901234567"),
        GOOD.replace("m=video", "m=application"),
        GOOD + "".join(f"a=rid:{rid} send\r\n" for rid in "hmlx"),
        SESSION + "".join(VIDEO.replace("mid:1", f"mid:{number}") for number in range(65)),
        GOOD + "a=x:" + "y" * MAX_SDP_CHARS,
    ],
)
def test_what_janus_must_not_see_is_refused(sdp: str) -> None:
    with pytest.raises(InvalidDescription):
        check_offer(PublisherOffer.model_construct(negotiation=1, sdp=sdp, tracks=()))


@pytest.mark.parametrize(
    "tracks",
    [
        [track("face", "7", TrackKind.VIDEO)],
        [track("face", "0", TrackKind.VIDEO)],
        [VOICE, track("voice", "1", TrackKind.VIDEO)],
        [FACE, track("other", "1", TrackKind.VIDEO)],
    ],
)
def test_tracks_that_are_not_in_the_offer_are_refused(tracks: list[PublishedTrack]) -> None:
    with pytest.raises(InvalidDescription):
        check_offer(offer(GOOD, *tracks))


def test_an_answer_has_the_sections_of_its_offer() -> None:
    check_answer(GOOD, GOOD)
    for sdp in (SESSION + AUDIO, SESSION + VIDEO.replace("mid:1", "mid:0") + AUDIO.replace("mid:0", "mid:1"), "no"):
        with pytest.raises(InvalidDescription):
            check_answer(sdp, GOOD)


@given(st.text(max_size=400) | st.text(alphabet="vmoa=0 \r\n:-9", max_size=200).map(lambda text: SESSION + text))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with suppress(InvalidDescription):
        parse(text)
