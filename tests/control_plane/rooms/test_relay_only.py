"""Nobody's own address leaves a relay-only room."""

import re

import pytest

from control_plane.rooms import relay_only
from control_plane.rooms.relay_only import NotRelayed
from media_adapters.models import IceCandidate

RELAYED = "candidate:1 1 udp 41885439 203.0.113.5 50000 typ relay raddr 198.51.100.7 rport 41234 generation 0 ufrag x"
OWN = [
    "candidate:2 1 udp 2122260223 192.168.1.20 54321 typ host generation 0",
    "candidate:3 1 udp 1686052607 198.51.100.7 41234 typ srflx raddr 192.168.1.20 rport 54321",
    "candidate:4 1 tcp 1518280447 192.168.1.20 9 typ host tcptype active",
    "candidate:5 1 udp 2122260223 3f9a1c0b-7d2e-4f6a-9a51-0c7d2f1e8b42.local 54321 typ host",
    "candidate:6 1 udp 1 2001:db8::7 54321 typ prflx raddr 2001:db8::8 rport 1",
    "candidate:7 1 udp 1 198.51.100.7 54321 typ host typ relay raddr 0.0.0.0 rport 0",
    "candidate:8 1 udp 1 198.51.100.7 54321",
]
SDP = "\r\n".join(
    [
        "v=0",
        "o=alice-at-198.51.100.7 4611731400430051336 2 IN IP4 198.51.100.7",
        "s=-",
        "t=0 0",
        "m=audio 41234 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 198.51.100.7",
        "a=rtcp:41235 IN IP4 198.51.100.7",
        f"a={RELAYED}",
        *(f"a={own}" for own in OWN),
        "a=remote-candidates:1 198.51.100.7 4000",
        "a=ice-ufrag:x",
        "a=mid:0",
        "m=video 0 UDP/TLS/RTP/SAVPF 96",
        "c=IN IP6 2001:db8::7",
        "a=mid:1",
        "",
    ]
)
ADDRESS = re.compile(r"198\.51|192\.168|2001:db8|\.local|4123|5432|4000")


def test_a_description_keeps_its_relayed_candidate_and_no_address_of_its_own() -> None:
    passed = relay_only.description(SDP)
    assert not ADDRESS.search(passed)
    assert "203.0.113.5 50000 typ relay raddr 0.0.0.0 rport 0 generation 0 ufrag x" in passed
    assert passed.count("a=candidate") == 1


def test_a_description_stays_usable() -> None:
    passed = relay_only.description(SDP).split("\r\n")
    assert passed[1] == "o=- 4611731400430051336 2 IN IP4 0.0.0.0"
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111" in passed
    assert "m=video 0 UDP/TLS/RTP/SAVPF 96" in passed
    assert "a=ice-ufrag:x" in passed
    assert passed[-1] == ""


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_no_way_to_end_a_line_hides_a_candidate(newline: str) -> None:
    assert not ADDRESS.search(relay_only.description(SDP.replace("\r\n", newline)))


@pytest.mark.parametrize("own", OWN)
def test_a_candidate_that_is_not_relayed_is_dropped(own: str) -> None:
    with pytest.raises(NotRelayed):
        relay_only.candidate(IceCandidate(candidate=own))


def test_a_relayed_candidate_passes_without_its_base() -> None:
    passed = relay_only.candidate(IceCandidate(candidate=RELAYED, sdp_mid="0"))
    assert passed is not None
    assert "raddr 0.0.0.0 rport 0" in passed.candidate
    assert not ADDRESS.search(passed.candidate)
    assert passed.sdp_mid == "0"


def test_the_end_of_candidates_passes() -> None:
    assert relay_only.candidate(None) is None
    assert relay_only.candidate(IceCandidate(candidate="")) == IceCandidate(candidate="")
