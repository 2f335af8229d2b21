"""Secrets with which an integrator's server signs room tokens by itself, without asking for each.

They follow from the service's own secret and from what the database keeps of the API key: every replica can derive
them, the database alone gives none away, and rotating or revoking the key ends them.
"""

import base64
import hashlib
import hmac
from functools import lru_cache

from joserfc.jwk import OctKey

ISSUER_PREFIX = "nv_"
"""`iss` of a token that the key nv_3f9a1c0b7d2e_… has signed is `nv_3f9a1c0b7d2e`: no secret, and no issuer's name."""


def issuer_of(key_id: str) -> str:
    return f"{ISSUER_PREFIX}{key_id}"


class SigningSecrets:
    def __init__(self, token_secret: str) -> None:
        # A key of its own for each purpose: what is derived here opens nothing else that hangs on the same secret.
        self._root = hmac.digest(token_secret.encode(), b"nexusvibe: secrets that sign room tokens", hashlib.sha256)
        self.key = lru_cache(maxsize=1024)(self._key)

    def text(self, key_id: str, secret_hash: str) -> str:
        """What an integrator's server signs with (HS256), as it is, in ASCII; 256 bits."""
        derived = hmac.digest(self._root, f"{key_id} {secret_hash}".encode(), hashlib.sha256)
        return f"nvs_{base64.urlsafe_b64encode(derived).decode().rstrip('=')}"

    def _key(self, key_id: str, secret_hash: str) -> OctKey:
        return OctKey.import_key(self.text(key_id, secret_hash))
