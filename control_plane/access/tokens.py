"""Room tokens: a JWT (RFC 7519, HS256) that lets its bearer into one room.

Claims: those of `Grants`, `iat`, `nbf`, `exp`, `jti`. The audience keeps a token of another service with the same
secret out.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OctKey
from joserfc.jwt import JWTClaimsRegistry
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from control_plane.access.names import Attributes
from control_plane.clock import Clock, SystemClock
from control_plane.errors import ExpiredToken, InvalidToken
from control_plane.ids import Identity, RoomId, new_id
from media_adapters.models import TrackSource

AUDIENCE = "nexusvibe"
LEEWAY_S = 5
MIN_SECRET_BYTES = 32

ROOM_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")
RoomName = Annotated[str, Field(pattern=ROOM_NAME.pattern)]


class Grants(BaseModel):
    """What the bearer may do. Without an `identity` every join becomes a guest with an identity of its own.

    `publish` are the sources it may send; `moderate` and `record` hold for this room only.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    room: RoomName
    identity: Annotated[Identity | None, Field(alias="sub", min_length=1, max_length=128)] = None
    name: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    attributes: Attributes = {}
    publish: tuple[TrackSource, ...] = tuple(TrackSource)
    subscribe: bool = True
    chat: bool = True
    moderate: bool = False
    record: bool = False
    hidden: bool = False


class VerifiedToken(BaseModel):
    """A token that was believed. `id` tells it from others, also one without a `jti`. Times are seconds since the
    epoch; a token that does not say when it was issued counts as issued at 0."""

    model_config = ConfigDict(frozen=True)

    grants: Grants
    id: str
    issued_at: float
    expires_at: float


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
        claims = grants.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
        claims |= {"aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + ttl, "jti": jti}
        return SignedToken(jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, self._key), jti, now + ttl)

    def verify(self, token: str) -> VerifiedToken:
        """Raises `ExpiredToken` or `InvalidToken`."""
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"]).claims
            self._claims_registry().validate(claims)
            return VerifiedToken(
                grants=Grants.model_validate(claims),
                id=_token_id(claims),
                issued_at=claims.get("iat", 0),
                expires_at=claims["exp"],
            )
        except ExpiredTokenError as error:
            raise ExpiredToken("This room token has expired: ask for a new one.") from error
        except (JoseError, ValidationError, ValueError, json.JSONDecodeError) as error:
            raise InvalidToken("This is not a valid room token for this service.") from error

    def _claims_registry(self) -> JWTClaimsRegistry:
        return JWTClaimsRegistry(
            now=int(self._clock.now()),
            leeway=LEEWAY_S,
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
        )


def _token_id(claims: dict[str, Any]) -> str:
    """A hash, for other issuers' `jti` may be of any length, or missing."""
    return hashlib.sha256(json.dumps(claims.get("jti") or claims, sort_keys=True).encode()).hexdigest()


def room_of(grants: Grants) -> RoomId:
    return RoomId(grants.room)
