"""Room tokens: a JWT (RFC 7519) that lets its bearer into one room. Here those that this service signs itself (HS256).

Claims: those of `Grants`, `iat`, `nbf`, `exp`, `jti`. The audience keeps a token of another service with the same
secret out.
"""

import re
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from control_plane.access import claims
from control_plane.access.claims import AUDIENCE, LEEWAY_S, MAX_TTL_S, ROOM_PATTERN, Grants, RoomName, VerifiedToken
from control_plane.clock import Clock, SystemClock
from control_plane.errors import InvalidToken
from control_plane.ids import RoomId, new_id

__all__ = [
    "AUDIENCE",
    "LEEWAY_S",
    "MAX_TTL_S",
    "ROOM_NAME",
    "Grants",
    "RoomName",
    "RoomTokens",
    "SignedToken",
    "VerifiedToken",
    "room_of",
]

MIN_SECRET_BYTES = 32
ROOM_NAME = re.compile(ROOM_PATTERN)


@dataclass(frozen=True, slots=True)
class SignedToken:
    """`expires_at` in seconds since the epoch."""

    text: str
    jti: str
    expires_at: int


class RoomTokens:
    """Mints and verifies room tokens with one secret.

    Raises `ValueError` at construction when the secret is shorter than 32 bytes (RFC 7518 §3.2).
    """

    def __init__(self, secret: str, clock: Clock | None = None) -> None:
        if len(secret.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"The token secret needs at least {MIN_SECRET_BYTES} bytes.")
        self._key = OctKey.import_key(secret)
        self._clock = clock or SystemClock()

    def mint(self, grants: Grants, ttl: int = 3600) -> str:
        """A token for `ttl` seconds from now."""
        return self.mint_at(int(self._clock.now()), grants, ttl).text

    def mint_at(self, now: int, grants: Grants, ttl: int, jti: str | None = None) -> SignedToken:
        """A token for `ttl` seconds from `now`, which everybody who mints it with the same `jti` gets alike."""
        jti = jti or new_id("j")
        said = grants.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
        said |= {"aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + ttl, "jti": jti}
        return SignedToken(jwt.encode({"alg": "HS256", "typ": "JWT"}, said, self._key), jti, now + ttl)

    def verify(self, token: str) -> VerifiedToken:
        """Raises `ExpiredToken` or `InvalidToken`, also for a token that another issuer is said to have signed."""
        said = decode_hs256(token, self._key)
        if "iss" in said:
            raise InvalidToken("This service signs no tokens for other issuers.")
        return claims.read(said, self._clock.now())


def decode_hs256(token: str, *keys: OctKey) -> claims.Claims:
    """The claims of a token that one of `keys` has signed. Raises `InvalidToken`."""
    for key in keys:
        try:
            return jwt.decode(token, key, algorithms=["HS256"]).claims
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            refused: Exception = error
    raise InvalidToken("This is not a valid room token for this service.") from refused


def room_of(grants: Grants) -> RoomId:
    return RoomId(grants.room)
