"""A secret follows another without a cut."""

from pathlib import Path

import pytest

from control_plane.turn.secrets import SecretsFile, SecretsUnusable, TooEarly, parse, rotated, signing, write

NOW, TTL, DELAY = 1_000_000, 3600, 300


def test_the_first_secret_is_signed_with_at_once() -> None:
    known = rotated((), NOW, delay=DELAY, ttl=TTL)
    assert signing(known, NOW) == known[0]


def test_a_new_secret_is_known_before_anybody_signs_with_it() -> None:
    first = rotated((), NOW, delay=DELAY, ttl=TTL)
    both = rotated(first, NOW, delay=DELAY, ttl=TTL)
    assert both[0] == first[0]
    assert signing(both, NOW + DELAY - 1) == both[0]
    assert signing(both, NOW + DELAY) == both[1]


def test_the_secret_before_is_kept_until_its_last_credential_has_expired() -> None:
    first = rotated((), NOW, delay=DELAY, ttl=TTL)
    both = rotated(first, NOW, delay=DELAY, ttl=TTL)
    with pytest.raises(TooEarly, match="in use"):
        rotated(both, NOW + DELAY + TTL - 1, delay=DELAY, ttl=TTL)
    later = rotated(both, NOW + DELAY + TTL, delay=DELAY, ttl=TTL)
    assert later[0] == both[1]
    assert len(later) == 2


def test_a_replica_sees_a_rotation_and_survives_a_file_that_is_away(tmp_path: Path) -> None:
    path = tmp_path / "turn-secrets"
    first = rotated((), NOW, delay=DELAY, ttl=TTL)
    write(path, first)
    file = SecretsFile(path)
    both = rotated(first, NOW, delay=DELAY, ttl=TTL)
    write(path, both)
    assert file.known() == both
    path.unlink()
    assert file.known() == both


def test_the_file_is_for_its_owner_only_and_its_secrets_are_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "turn-secrets"
    known = rotated((), NOW, delay=DELAY, ttl=TTL)
    write(path, known)
    assert path.stat().st_mode & 0o077 == 0
    assert known[0].value not in repr(known)


@pytest.mark.parametrize("text", ["", "# nothing\n", "12 short\n", "soon " + "x" * 40, "12 " + "x" * 40 + " more"])
def test_a_file_that_makes_no_sense_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(SecretsUnusable) as error:
        parse(text)
    assert "xxx" not in str(error.value)


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SecretsUnusable, match="No such file"):
        SecretsFile(tmp_path / "nowhere")
