"""How a machine becomes a media node of a control plane, with a token that an operator made for it.

1. The node asks for a challenge and says which key it has made. The control plane's answer is signed: the node was told
   the control plane's public key together with the token, and shows its token to nobody else.
2. The node shows the token and signs the challenge with its key. The token is spent, and bound to that key: should the
   answer get lost, the same node may ask again.

The challenge needs no memory: any replica knows by its signature that it came from this control plane.
"""

import re
import secrets
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field

from media_adapters.models import NodeId, Value
from media_adapters.wire.keys import check, public_text, signed, transcript

CHALLENGE_PATH: Final = "/internal/v1/nodes/enrolment/challenge"
ENROLMENT_PATH: Final = "/internal/v1/nodes/enrolment"
TIME_PATH: Final = "/internal/v1/nodes/time"
TIME_HEADER: Final = "NexusVibe-Time"
"""Of every answer to a node: the control plane's time in ms since the Unix epoch."""
_PURPOSE: Final = "nexusvibe.node.v1 enrolment"

TokenId = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
KeyText = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]
Signature = Annotated[str, Field(max_length=128)]


@dataclass(frozen=True, slots=True)
class EnrolmentToken:
    """`nve_<id>_<secret>`: the id is 48 random bits, the secret 256."""

    id: str
    secret: str = field(repr=False)

    @classmethod
    def fresh(cls) -> "EnrolmentToken":
        return cls(secrets.token_hex(6), secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, text: str) -> "EnrolmentToken":
        """Raises `ValueError` with a sentence that does not quote it."""
        match = re.fullmatch(r"nve_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", text)
        if match is None:
            raise ValueError("An enrolment token looks like nve_…_…; `nexusvibe node add` prints one.")
        return cls(match[1], match[2])

    def __str__(self) -> str:
        return f"nve_{self.id}_{self.secret}"


class ChallengeRequest(Value):
    token_id: TokenId
    public_key: KeyText


class EnrolmentChallenge(Value):
    """`at` is the control plane's time in ms; a challenge is taken for a minute."""

    nonce: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
    at: int
    signature: Signature


class EnrolmentRequest(Value):
    token_id: TokenId
    secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$", repr=False)]
    public_key: KeyText
    challenge: EnrolmentChallenge
    signature: Signature


class Enrolled(Value):
    """Who the node is from now on. Its heartbeats are believed once it is `approved`."""

    node: NodeId
    region: str
    state: Literal["pending", "approved"]
    signature: Signature


def challenge(asked: ChallengeRequest, at: int, control: Ed25519PrivateKey) -> EnrolmentChallenge:
    nonce = secrets.token_urlsafe(32)
    return EnrolmentChallenge(nonce=nonce, at=at, signature=signed(control, _challenge(asked, nonce, at)))


def is_ours(asked: ChallengeRequest, given: EnrolmentChallenge, control: Ed25519PublicKey) -> bool:
    """Whether this control plane made the challenge, for this token and key."""
    return check(control, given.signature, _challenge(asked, given.nonce, given.at))


def answer(token: EnrolmentToken, given: EnrolmentChallenge, key: Ed25519PrivateKey) -> EnrolmentRequest:
    public = public_text(key)
    return EnrolmentRequest(
        token_id=token.id,
        secret=token.secret,
        public_key=public,
        challenge=given,
        signature=signed(key, _proof(token.id, public, given)),
    )


def is_proven(request: EnrolmentRequest, key: Ed25519PublicKey) -> bool:
    """Whether who asks has the private half of `key`."""
    return check(key, request.signature, _proof(request.token_id, request.public_key, request.challenge))


def enrolled(
    node: NodeId,
    region: str,
    state: Literal["pending", "approved"],
    request: EnrolmentRequest,
    control: Ed25519PrivateKey,
) -> Enrolled:
    signature = signed(control, _outcome(node, region, request.public_key, request.challenge.nonce))
    return Enrolled(node=node, region=region, state=state, signature=signature)


def is_from_control(outcome: Enrolled, request: EnrolmentRequest, control: Ed25519PublicKey) -> bool:
    message = _outcome(outcome.node, outcome.region, request.public_key, request.challenge.nonce)
    return check(control, outcome.signature, message)


def _challenge(asked: ChallengeRequest, nonce: str, at: int) -> bytes:
    return transcript(_PURPOSE, "challenge", asked.token_id, asked.public_key, nonce, str(at))


def _proof(token_id: str, public_key: str, given: EnrolmentChallenge) -> bytes:
    return transcript(_PURPOSE, "node", token_id, public_key, given.nonce, str(given.at))


def _outcome(node: NodeId, region: str, public_key: str, nonce: str) -> bytes:
    return transcript(_PURPOSE, "enrolled", node, region, public_key, nonce)
