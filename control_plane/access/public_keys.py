"""Public keys of issuers: read from a JSON Web Key Set, one JSON Web Key (RFC 7517) or PEM, and chosen for a token."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

from control_plane.access.claims import Claims
from control_plane.errors import InvalidToken

ALGORITHMS = ("EdDSA", "ES256", "RS256")
"""What issuers may sign with. EdDSA is Ed25519 here, which RFC 9864 also calls `Ed25519`."""
MAX_KEYS = 32
MIN_RSA_BITS = 2048

PublicKey = OKPKey | ECKey | RSAKey

_MEMBERS = ("kty", "kid", "crv", "x", "y", "n", "e")
_KINDS = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256"}


@dataclass(frozen=True)
class PublicKeys:
    """`text` is a JWKS with nothing but what verifies; `by_algorithm` has at least one key."""

    text: str
    by_algorithm: dict[str, tuple[PublicKey, ...]]

    def names(self, key_id: str) -> bool:
        return any(key.kid == key_id for keys in self.by_algorithm.values() for key in keys)

    def choose(self, algorithm: str, key_id: str | None) -> PublicKey:
        """The key for a token. Raises `InvalidToken` when there is none, or more than one."""
        keys = self.by_algorithm.get(algorithm, ())
        fitting = [key for key in keys if key_id is None or key.kid in {None, key_id}]
        if len(fitting) != 1:
            found = "no key" if not fitting else "several keys"
            raise InvalidToken(f"The issuer of this room token has {found} for its alg and kid.")
        return fitting[0]


def read_keys(document: str) -> PublicKeys:
    """The keys that can verify something, of at most `MAX_KEYS`; others are left out. Raises `ValueError` with a
    sentence when none is left, or when a private key is among them."""
    found: dict[str, list[PublicKey]] = {}
    kept = []
    for candidate in list(_candidates(document))[:MAX_KEYS]:
        key = _usable(candidate)
        if key is not None:
            found.setdefault(_algorithm(key), []).append(key)
            kept.append(key.as_dict())
    if not kept:
        raise ValueError("There is no public key for EdDSA (Ed25519), ES256 or RS256 (2048 bits or more) here.")
    return PublicKeys(json.dumps({"keys": kept}), {name: tuple(keys) for name, keys in found.items()})


def _candidates(document: str) -> Iterable[Any]:
    if "-----BEGIN" in document:
        return [_from_pem(document)]
    try:
        value = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError("These are neither JSON Web Keys nor a PEM.") from error
    listed = value.get("keys", [value]) if isinstance(value, dict) else value
    return listed if isinstance(listed, list) else []


def _from_pem(text: str) -> Any:
    for kind in (OKPKey, ECKey, RSAKey):
        try:
            key = kind.import_key(text)
        except (JoseError, ValueError, TypeError):
            continue
        if key.is_private:
            raise ValueError("This is a private key: its owner keeps it. Give the public one.")
        return key.as_dict()
    raise ValueError("This PEM holds no public key that could be used.")


def _usable(candidate: Any) -> PublicKey | None:
    if not isinstance(candidate, dict):
        return None
    if candidate.get("kty") != "oct" and "d" in candidate:
        raise ValueError("There is a private key here: its owner keeps it. Give the public one.")
    if candidate.get("kty") not in {"OKP", "EC", "RSA"} or candidate.get("use", "sig") != "sig":
        return None
    try:
        key = import_key({name: candidate[name] for name in _MEMBERS if name in candidate})
    except (JoseError, ValueError, TypeError):
        return None
    if not isinstance(key, OKPKey | ECKey | RSAKey) or not _algorithm(key):
        return None
    # A key that names an algorithm is for that one.
    named = candidate.get("alg", _algorithm(key))
    return key if {"Ed25519": "EdDSA"}.get(named, named) == _algorithm(key) else None


def _algorithm(key: PublicKey) -> str:
    """What it verifies; an empty text for nothing that we take."""
    if isinstance(key, RSAKey):
        public = key.public_key
        return "RS256" if isinstance(public, RSAPublicKey) and public.key_size >= MIN_RSA_BITS else ""
    return _KINDS.get((key.key_type, key.curve_name), "")


class _Registry(JWSRegistry):
    """Without the library's warning at each token that EdDSA has a second name now."""

    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


def decode(token: str, key: PublicKey, algorithm: str) -> Claims:
    """The claims of a token that the key has signed with this `alg`. Raises `InvalidToken`."""
    registry = _Registry(algorithms=[algorithm], strict_check_header=False)
    try:
        return jwt.decode(token, key, registry=registry).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise InvalidToken("This room token was not signed by its issuer.") from error
