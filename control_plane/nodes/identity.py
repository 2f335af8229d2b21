"""The control plane's own key: media nodes serve whoever holds it, so every replica has the same one."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from media_adapters.wire import Handshake, new_private_key, private_key, public_text


class ControlKey:
    """An Ed25519 private key. It signs handshakes and is shown nowhere."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = public_text(key)
        """The public half as nodes are told it: base64 of 32 bytes."""

    @classmethod
    def from_pem(cls, pem: str) -> "ControlKey":
        """From PKCS#8 PEM. Raises `media_adapters.wire.BadKey` with a sentence."""
        return cls(private_key(pem.encode()))

    def sign(self, handshake: Handshake) -> str:
        """The proof that a replica of this control plane takes part in `handshake`."""
        return handshake.sign_as_replica(self._key)


def new_control_key() -> str:
    """A fresh key as PKCS#8 PEM, for `ControlKey.from_pem`. A media node's key is made the same way."""
    return new_private_key().decode()
