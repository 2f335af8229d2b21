"""Only who holds the secrets of the relays reports traffic."""

import pytest

from control_plane.turn.reports import BadReport, Report, sign, verify
from control_plane.turn.secrets import TurnSecret

NOW = 1_000_000.0
OLD, NEW = TurnSecret(0, "o" * 32), TurnSecret(999_000, "n" * 32)
REPORT = Report(relay="eu1", run="0123456789abcdef", time_ms=int(NOW * 1000))


def test_a_report_is_taken_with_any_secret_that_is_shared_now() -> None:
    body, authorization = sign(REPORT, (OLD,), NOW)
    assert verify(body, authorization, (OLD, NEW), NOW) == REPORT


@pytest.mark.parametrize(
    "known", [(), (TurnSecret(0, "x" * 32),)], ids=["a control plane without relays", "another secret"]
)
def test_a_stranger_is_refused(known: tuple[TurnSecret, ...]) -> None:
    body, authorization = sign(REPORT, (OLD,), NOW)
    with pytest.raises(BadReport, match="not signed"):
        verify(body, authorization, known, NOW)


def test_a_changed_report_is_refused() -> None:
    body, authorization = sign(REPORT, (OLD,), NOW)
    with pytest.raises(BadReport, match="not signed"):
        verify(body.replace(b"eu1", b"eu2"), authorization, (OLD,), NOW)


@pytest.mark.parametrize("authorization", ["", "NexusVibe-Relay", "NexusVibe-Relay é", "Bearer abc"])
def test_nonsense_is_refused(authorization: str) -> None:
    body, _ = sign(REPORT, (OLD,), NOW)
    with pytest.raises(BadReport):
        verify(body, authorization, (OLD,), NOW)


def test_an_old_report_can_not_be_shown_again() -> None:
    body, authorization = sign(REPORT, (OLD,), NOW)
    with pytest.raises(BadReport, match="clock"):
        verify(body, authorization, (OLD,), NOW + 61)
