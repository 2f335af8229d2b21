"""What a token says before its signature was checked: only enough to know whose signature it has to be."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from control_plane.errors import InvalidToken

MAX_TOKEN = 8192
MAX_KID = 256


@dataclass(frozen=True, slots=True)
class Unverified:
    """`issuer` is None for a token of this service's own."""

    algorithm: str
    key_id: str | None
    issuer: str | None


def look(token: str) -> Unverified:
    """Raises `InvalidToken`. Headers that change how a token is to be read (RFC 7515 §4.1.11, RFC 7797) are refused,
    and those that bring a key along (`jwk`, `jku`, `x5c`, `x5u`) are of no interest to anybody."""
    parts = token.split(".")
    if len(token) > MAX_TOKEN or len(parts) != 3 or not token.isascii():
        raise InvalidToken("A room token is a signed JWT of at most 8192 characters.")
    header, claims = _object(parts[0]), _object(parts[1])
    if "crit" in header or "b64" in header:
        raise InvalidToken("Room tokens with critical headers are not read.")
    algorithm, key_id, issuer = header.get("alg"), header.get("kid"), claims.get("iss")
    if not isinstance(algorithm, str):
        raise InvalidToken("The room token does not say how it is signed.")
    if not isinstance(key_id, str | None) or (key_id is not None and len(key_id) > MAX_KID):
        raise InvalidToken(f"The kid of a room token is a text of at most {MAX_KID} characters.")
    if "iss" in claims and not isinstance(issuer, str):
        raise InvalidToken("The iss of a room token is a text.")
    return Unverified(algorithm, key_id, issuer)


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError) as error:
        raise InvalidToken("A room token is a signed JWT, and this one can't be read.") from error
    if not isinstance(value, dict):
        raise InvalidToken("The parts of a room token are JSON objects.")
    return value
