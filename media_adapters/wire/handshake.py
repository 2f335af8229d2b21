"""How an agent and a replica prove to each other who they are, before the first call."""

import secrets
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field

from media_adapters.models import NodeDescription, NodeId, Value
from media_adapters.wire.calls import SUBPROTOCOL
from media_adapters.wire.keys import check, signed, transcript

Nonce = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
Signature = Annotated[str, Field(max_length=128)]


class Hello(Value):
    """1. The replica says who it is and who it means to talk to."""

    replica: Annotated[str, Field(min_length=1, max_length=128)]
    node: Annotated[NodeId, Field(min_length=1, max_length=128)]
    nonce: Nonce


class Challenge(Value):
    """2. The agent proves who it is, over both nonces."""

    nonce: Nonce
    signature: Signature


class Proof(Value):
    """3. The replica proves that it is of this control plane."""

    signature: Signature


class Welcome(Value):
    """4. The agent serves from here on."""

    node: NodeDescription


def new_nonce() -> str:
    return secrets.token_urlsafe(32)


class Handshake:
    """What both sides sign: purpose and role, both names, both fresh nonces. No signature fits another handshake."""

    def __init__(self, hello: Hello, agent_nonce: str) -> None:
        self._parts = (hello.node, hello.replica, hello.nonce, agent_nonce)

    def sign_as_agent(self, key: Ed25519PrivateKey) -> str:
        return signed(key, self._transcript("agent"))

    def sign_as_replica(self, key: Ed25519PrivateKey) -> str:
        return signed(key, self._transcript("replica"))

    def agent_signed(self, key: Ed25519PublicKey, signature: str) -> bool:
        return check(key, signature, self._transcript("agent"))

    def replica_signed(self, key: Ed25519PublicKey, signature: str) -> bool:
        return check(key, signature, self._transcript("replica"))

    def _transcript(self, role: str) -> bytes:
        return transcript(f"{SUBPROTOCOL} handshake", role, *self._parts)
