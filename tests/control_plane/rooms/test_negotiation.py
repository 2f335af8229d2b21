"""Numbers and early candidates of one placement."""

import pytest

from control_plane.errors import InvalidDescription, StaleMessage
from control_plane.rooms.negotiation import MAX_EARLY_CANDIDATES, Negotiations
from media_adapters.models import IceCandidate, PeerConnectionRole

PUBLISHER = PeerConnectionRole.PUBLISHER


def sdp(ufrag: str = "abcd") -> str:
    return (
        f"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:{ufrag}\r\n"
    )


def candidate(ufrag: str | None = "abcd", name: str = "1") -> IceCandidate:
    return IceCandidate(candidate=f"candidate:{name}", username_fragment=ufrag)


def test_a_candidate_before_its_description_waits_for_it() -> None:
    negotiations = Negotiations()
    early = [candidate(name="1"), candidate(name="2"), None]
    assert not any(negotiations.candidate(PUBLISHER, 1, each) for each in early)
    assert negotiations.accepted(PUBLISHER, 1, sdp()) == early
    assert negotiations.candidate(PUBLISHER, 1, candidate(name="3"))


def test_a_late_candidate_of_the_same_ice_generation_still_counts() -> None:
    negotiations = Negotiations()
    negotiations.accepted(PUBLISHER, 2, sdp())
    assert negotiations.candidate(PUBLISHER, 1, candidate())


def test_a_candidate_of_an_earlier_ice_generation_is_dropped() -> None:
    negotiations = Negotiations()
    negotiations.accepted(PUBLISHER, 1, sdp("old1"))
    negotiations.accepted(PUBLISHER, 2, sdp("new1"))
    assert not negotiations.candidate(PUBLISHER, 2, candidate("old1"))
    assert negotiations.candidate(PUBLISHER, 2, candidate("new1"))


def test_early_candidates_are_bounded() -> None:
    negotiations = Negotiations()
    for number in range(MAX_EARLY_CANDIDATES + 10):
        negotiations.candidate(PUBLISHER, 1, candidate(name=str(number)))
    assert len(negotiations.accepted(PUBLISHER, 1, sdp())) == MAX_EARLY_CANDIDATES


def test_an_older_negotiation_is_stale_and_the_latest_may_be_repeated() -> None:
    negotiations = Negotiations()
    negotiations.accepted(PUBLISHER, 2, sdp())
    negotiations.check(PUBLISHER, 2, sdp())
    with pytest.raises(StaleMessage):
        negotiations.check(PUBLISHER, 1, sdp())


@pytest.mark.parametrize(
    "text", ["", "hello", "v=0\r\n", "v=0\r\nm=audio 9 RTP/AVP 0\r\n", "m=audio\r\na=ice-ufrag:abcd"]
)
def test_what_is_no_session_description_is_refused(text: str) -> None:
    with pytest.raises(InvalidDescription):
        Negotiations().check(PUBLISHER, 1, text)


def test_after_a_resume_candidates_go_on_at_once() -> None:
    negotiations = Negotiations()
    negotiations.resumed(PUBLISHER, 3)
    assert negotiations.begun
    assert negotiations.candidate(PUBLISHER, 3, candidate("unknown"))
