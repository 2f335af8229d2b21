"""The control plane's own key: media nodes serve whoever holds it, so every replica has the same one."""

from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from control_plane.ids import NodeId
from media_adapters.wire import Handshake, enrolment, new_private_key, private_key, public_text
from media_adapters.wire.enrolment import ChallengeRequest, Enrolled, EnrolmentChallenge, EnrolmentRequest


class ControlKey:
    """An Ed25519 private key. It signs handshakes and enrolments, and is shown nowhere."""

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

    def challenge(self, asked: ChallengeRequest, at: int) -> EnrolmentChallenge:
        return enrolment.challenge(asked, at, self._key)

    def made(self, asked: ChallengeRequest, given: EnrolmentChallenge) -> bool:
        """Whether this challenge is of this control plane."""
        return enrolment.is_ours(asked, given, self._key.public_key())

    def enrolled(
        self, node: NodeId, region: str, state: Literal["pending", "approved"], asked: EnrolmentRequest
    ) -> Enrolled:
        return enrolment.enrolled(node, region, state, asked, self._key)


def new_control_key() -> str:
    """A fresh key as PKCS#8 PEM, for `ControlKey.from_pem`. A media node's key is made the same way."""
    return new_private_key().decode()
