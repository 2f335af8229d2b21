"""What a room token says, once its signature was believed: when it is valid, for whom, and what it grants."""

import hashlib
import json
from typing import Annotated, Any

from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwt import JWTClaimsRegistry
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from control_plane.errors import ExpiredToken, InvalidToken, NotAllowed
from control_plane.names import Attributes, DisplayName, IdentityText
from media_adapters.models import TrackSource

Claims = dict[str, Any]

AUDIENCE = "nexusvibe"
LEEWAY_S = 5
MAX_TTL_S = 30 * 24 * 3600
"""A kick is remembered for as long: no token may outlive it."""

ROOM_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"
RoomName = Annotated[str, Field(pattern=ROOM_PATTERN)]


class Grants(BaseModel):
    """What the bearer may do. Without an `identity` every join becomes a guest with an identity of its own.

    `publish` are the sources it may send; `moderate` and `record` hold for this room only. With `own_attributes` it
    may change the `attributes` that the token gives it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    room: RoomName
    identity: Annotated[IdentityText | None, Field(alias="sub")] = None
    name: DisplayName | None = None
    attributes: Attributes = {}
    publish: tuple[TrackSource, ...] = tuple(TrackSource)
    subscribe: bool = True
    chat: bool = True
    moderate: bool = False
    record: bool = False
    own_attributes: bool = False
    hidden: bool = False


class VerifiedToken(BaseModel):
    """A token that was believed. `id` tells it from others, also one without a `jti`. Times are seconds since the
    epoch."""

    model_config = ConfigDict(frozen=True)

    grants: Grants
    id: str
    not_before: float = 0
    issued_at: float
    expires_at: float

    def expect_valid(self, now: float) -> None:
        """Raises `ExpiredToken`, `InvalidToken`. For a token that was believed before."""
        if self.expires_at <= now - LEEWAY_S:
            raise _expired()
        if self.not_before > now + LEEWAY_S:
            raise InvalidToken("This room token is not valid yet.")


def read(claims: Claims, now: float, *, audience: str = AUDIENCE, room_prefix: str = "") -> VerifiedToken:
    """Raises `ExpiredToken`, `InvalidToken`, and `NotAllowed` for a room of others."""
    try:
        _registry(int(now), audience).validate(claims)
        if claims["exp"] - claims["iat"] > MAX_TTL_S:
            raise InvalidToken("A room token is valid for at most 30 days (exp - iat).")
        grants = Grants.model_validate(claims)
    except ExpiredTokenError as error:
        raise _expired() from error
    except MissingClaimError as error:
        raise InvalidToken(f"This room token lacks what it has to say: {error.description}.") from error
    except InvalidClaimError as error:
        raise InvalidToken(f"This room token is not for now or not for here: {error.description}.") from error
    except ValidationError as error:
        raise InvalidToken(f"What this room token grants can't be: {_places(error)}.") from error
    except JoseError as error:
        raise InvalidToken("This is not a valid room token for this service.") from error
    if not grants.room.startswith(room_prefix):
        raise NotAllowed(f"Who signed this token may open rooms whose names begin with {room_prefix!r} only.")
    return VerifiedToken(
        grants=grants,
        id=_token_id(claims),
        not_before=claims.get("nbf", 0),
        issued_at=claims["iat"],
        expires_at=claims["exp"],
    )


def _registry(now: int, audience: str) -> JWTClaimsRegistry:
    # A kick compares when a token was issued: one that does not say so could never be let in after one, or always.
    return JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY_S,
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        iat={"essential": True},
    )


def _token_id(claims: Claims) -> str:
    """A hash, for a `jti` may be of any length, or missing; and two issuers may use the same."""
    own = claims.get("jti") or claims
    named = [claims["iss"], own] if "iss" in claims else own
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


def _expired() -> ExpiredToken:
    return ExpiredToken("This room token has expired: ask for a new one.")


def _places(error: ValidationError) -> str:
    """Which claims are wrong, never what they say."""
    return ", ".join(sorted({str(fault["loc"][0]) for fault in error.errors(include_input=False)})[:5])
