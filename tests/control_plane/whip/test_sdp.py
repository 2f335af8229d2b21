"""What is read in offers, answers and fragments, and what is refused, with which status."""

import pytest

from control_plane.errors import ControlPlaneError, InvalidDescription
from control_plane.whip.sdp import answered_fragment, expect_all_taken, read_fragment, read_offer, restarted
from media_adapters.models import TrackKind

PASSWORD = "0123456789012345678901"
HEAD = "v=0\r\no=- 5 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
BUNDLE = "a=group:BUNDLE 0 1\r\n"
ICE = f"a=ice-ufrag:abcd\r\na=ice-pwd:{PASSWORD}\r\na=fingerprint:sha-256 AB:CD\r\n"


def section(kind: str, mid: str, direction: str = "sendonly", port: int = 9, more: str = "") -> str:
    return f"m={kind} {port} UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\n{ICE}a={direction}\r\n{more}"


BOTH = HEAD + BUNDLE + section("audio", "0") + section("video", "1")


def test_an_offer_tells_its_tracks_and_its_ice_session() -> None:
    layers = "a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n"
    offer = read_offer(HEAD + BUNDLE + section("audio", "0", "sendrecv") + section("video", "1", more=layers))
    assert [(track.mid, track.kind, track.simulcast) for track in offer.tracks] == [
        ("0", TrackKind.AUDIO, False),
        ("1", TrackKind.VIDEO, True),
    ]
    assert offer.ufrag == "abcd"


def test_an_offer_may_give_what_holds_for_all_once_for_the_session() -> None:
    offer = read_offer(HEAD + ICE + "a=sendonly\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:audio\r\n")
    assert offer.tracks[0].mid == "audio"


@pytest.mark.parametrize(
    ("sdp", "status"),
    [
        ("", 400),
        ("hello", 400),
        (HEAD, 400),
        ("{}" * 1000, 400),
        (BOTH.replace("m=video 9 ", "m=video x "), 400),
        (BOTH.replace("a=ice-ufrag:abcd\r\n", ""), 400),
        (BOTH.replace(f"a=ice-pwd:{PASSWORD}\r\n", ""), 400),
        (BOTH.replace("a=fingerprint:sha-256 AB:CD\r\n", ""), 400),
        (BOTH.replace("abcd", "ab"), 400),
        (BOTH.replace("a=mid:1", "a=mid:0"), 400),
        (BOTH.replace("s=-", "s=\x00"), 400),
        (HEAD + section("audio", "0") + section("video", "1"), 422),
        (HEAD + BUNDLE + section("video", "0") + section("video", "1"), 422),
        (HEAD + "a=group:BUNDLE " + "0 " * 500 + "\r\n" + "".join(section("video", str(n)) for n in range(500)), 422),
        (HEAD + section("application", "0"), 422),
        (HEAD + section("audio", "0", "recvonly"), 422),
        (HEAD + section("audio", "0", "inactive"), 422),
        (HEAD + section("audio", "0", port=0), 422),
        (HEAD + section("audio", "0").replace("a=mid:0\r\n", ""), 422),
    ],
)
def test_what_can_t_be_published_is_refused(sdp: str, status: int) -> None:
    with pytest.raises(ControlPlaneError) as refused:
        read_offer(sdp)
    assert refused.value.status == status


def test_a_fragment_gives_credentials_and_candidates_each_with_its_section() -> None:
    fragment = read_fragment(
        f"a=ice-ufrag:wxyz\r\na=ice-pwd:{PASSWORD}\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag wxyz\r\n"
        "a=candidate:2 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n"
        "a=end-of-candidates\r\n"
    )
    assert (fragment.ufrag, fragment.password) == ("wxyz", PASSWORD)
    first, second, last = fragment.candidates
    assert first is not None
    assert first.candidate.startswith("candidate:1 1 udp 2122260223")
    assert first.sdp_mid == "0"
    assert second is not None
    assert last is None


def test_credentials_may_stand_in_the_section() -> None:
    fragment = read_fragment(f"m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=ice-ufrag:wxyz\r\na=ice-pwd:{PASSWORD}\r\n")
    assert (fragment.ufrag, fragment.password, fragment.candidates) == ("wxyz", PASSWORD, ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing of the kind",
        "a=ice-ufrag:a b c d",
        "a=ice-pwd:short",
        "m=audio",
        "a=candidate:1 1 udp",
        "a=candidate:1 1 udp 1 192.0.2.1 9 typ host " + "x" * 600,
        "m=audio 9 RTP/AVP 0\r\na=mid:" + "x" * 100,
        "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 65,
    ],
)
def test_a_malformed_fragment_is_refused(text: str) -> None:
    with pytest.raises(InvalidDescription):
        read_fragment(text)


def test_a_restart_is_the_same_offer_with_other_credentials_and_no_candidates() -> None:
    before = BOTH + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n"
    after = restarted(before, read_fragment(f"a=ice-ufrag:wxyz\r\na=ice-pwd:{PASSWORD[::-1]}\r\n"))
    assert after == BOTH.replace("abcd", "wxyz").replace(PASSWORD, PASSWORD[::-1]).replace("o=- 5 2 ", "o=- 5 3 ")


def test_the_answer_to_a_restart_is_what_of_the_answer_is_about_ice() -> None:
    candidate = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
    answer = (
        HEAD + BUNDLE + "a=ice-lite\r\n" + section("audio", "0", "recvonly", more=candidate) + section("video", "1")
    )
    assert answered_fragment(answer).splitlines() == [
        "a=ice-lite",
        "a=group:BUNDLE 0 1",
        "m=audio 9 UDP/TLS/RTP/SAVPF 96",
        "a=mid:0",
        "a=ice-ufrag:abcd",
        f"a=ice-pwd:{PASSWORD}",
        "a=candidate:1 1 udp 1 192.0.2.1 9 typ host",
        "a=end-of-candidates",
    ]


def test_an_answer_that_leaves_something_out_is_told_apart() -> None:
    expect_all_taken(HEAD + section("audio", "0", "recvonly"))
    expect_all_taken(HEAD + section("audio", "0", "recvonly", port=0, more="a=bundle-only\r\n"))
    for partial in (section("video", "1", "inactive"), section("video", "1", "recvonly", port=0)):
        with pytest.raises(ControlPlaneError) as refused:
            expect_all_taken(HEAD + section("audio", "0", "recvonly") + partial)
        assert refused.value.status == 422
