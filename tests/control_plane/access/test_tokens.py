"""Room tokens: what is let in and what is not."""

import base64
import json

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from control_plane.access.tokens import Grants, RoomTokens
from control_plane.errors import ExpiredToken, InvalidToken
from control_plane.ids import Identity

SECRET = "a secret that is long enough for it"


class FixedClock:
    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now


def tokens(now: float = 1_800_000_000, secret: str = SECRET) -> RoomTokens:
    return RoomTokens(secret, FixedClock(now))


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_minted_token_grants_what_it_was_minted_for() -> None:
    grants = Grants(room="demo", identity=Identity("ann"), name="Ann", hidden=True)
    assert tokens().verify(tokens().mint(grants)).grants == grants


def test_a_token_runs_out() -> None:
    token = tokens().mint(Grants(room="demo"), ttl=60)
    assert tokens(1_800_000_060).verify(token).grants.room == "demo"
    with pytest.raises(ExpiredToken):
        tokens(1_800_000_070).verify(token)


def test_a_token_from_the_future_is_refused() -> None:
    token = tokens(1_800_000_100).mint(Grants(room="demo"))
    with pytest.raises(InvalidToken):
        tokens().verify(token)


def test_a_token_signed_with_another_secret_is_refused() -> None:
    with pytest.raises(InvalidToken):
        tokens().verify(tokens(secret="another secret of sufficient length").mint(Grants(room="demo")))


@pytest.mark.parametrize("claims", [{}, {"room": "demo"}, {"room": "demo", "exp": 1_900_000_000, "aud": "other"}])
def test_claims_that_are_missing_or_for_others_are_refused(claims: dict[str, object]) -> None:
    with pytest.raises(InvalidToken):
        tokens().verify(jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET)))


def test_an_unsigned_token_is_refused() -> None:
    claims = {"room": "demo", "aud": "nexusvibe", "exp": 1_900_000_000}
    for algorithm in ("none", "None", "NONE"):
        with pytest.raises(InvalidToken):
            tokens().verify(f"{part({'alg': algorithm})}.{part(claims)}.")


@pytest.mark.parametrize("garbage", ["", ".", "..", "a.b.c", "é.é.é", "x" * 8000, "eyJhbGciOiJIUzI1NiJ9.e30.e30"])
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(InvalidToken):
        tokens().verify(garbage)


@pytest.mark.parametrize("room", ["", "../x", "a:b", "a b", "{x}", "x" * 200, "é"])
def test_a_room_name_that_could_be_misread_is_refused(room: str) -> None:
    with pytest.raises(ValueError, match="room"):
        Grants(room=room)


def test_a_short_secret_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        RoomTokens("short")
