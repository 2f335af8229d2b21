"""Ed25519 keys as text, and signatures over transcripts that can't be mistaken for one another."""

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


class BadKey(Exception):
    """A key can't be used; the message says what it should be."""


def new_private_key() -> bytes:
    """A fresh Ed25519 key as PEM (PKCS#8, not encrypted)."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def private_key(pem: bytes) -> Ed25519PrivateKey:
    """An Ed25519 key from PEM (PKCS#8). Raises `BadKey`."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise BadKey("This is not an unencrypted private key in PEM (PKCS#8).") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey("This private key is not an Ed25519 key.")
    return key


def public_key(text: str) -> Ed25519PublicKey:
    """An Ed25519 key from the base64 of its 32 bytes. Raises `BadKey`."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error) as error:
        raise BadKey("A public key is the base64 of 32 bytes.") from error


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half of a key as `public_key` reads it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def transcript(*parts: str | bytes) -> bytes:
    """Length-prefixed, so that no two lists of parts look alike. The first part is the purpose."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def signed(key: Ed25519PrivateKey, message: bytes) -> str:
    """The signature in base64."""
    return base64.b64encode(key.sign(message)).decode()


def check(key: Ed25519PublicKey, signature: str, message: bytes) -> bool:
    """Whether `signature` (base64) is this key's over the message."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
