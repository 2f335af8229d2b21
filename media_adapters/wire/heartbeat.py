"""What a node says about itself every second, signed, to whichever replica answers."""

import time
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, ValidationError, model_validator
from pydantic_core import to_json

from media_adapters.models import Capability, NodeId, NodeLoad, Value
from media_adapters.wire.keys import check, public_key, signed, transcript

HEARTBEAT_PATH: Final = "/internal/v1/nodes/heartbeat"
HEARTBEAT_SCHEME: Final = "NexusVibe-Ed25519"
HEARTBEAT_TOLERANCE: Final = 60.0
"""Seconds that a heartbeat may be old, or ahead of our time."""
_HEARTBEAT_PURPOSE: Final = "nexusvibe.node.v1 heartbeat"


class Heartbeat(Value):
    """What a node says about itself every second. `url` is where replicas dial. Times are ms since the Unix epoch.

    `capacity` and `load` are in RTP streams. `sequence` grows with each heartbeat, across restarts of the agent too.
    Times are the control plane's, as the node knows them from its answers. `certificate` is the SHA-256 (hex) of the
    certificate that the RPC shows: replicas take that and no other; None when somebody else ends TLS for it.
    """

    node: NodeId
    url: str
    region: str
    backend: str
    version: str
    capabilities: frozenset[Capability]
    capacity: int
    state: Literal["up", "sfu_down"]
    load: NodeLoad
    warnings: tuple[str, ...] = ()
    started_at: int
    sequence: int
    time_ms: int
    certificate: str | None = None


class _PossibleLoad(NodeLoad):
    rooms: Annotated[int, Field(ge=0)] = 0
    peers: Annotated[int, Field(ge=0)] = 0
    streams: Annotated[int, Field(ge=0)] = 0
    cpu: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _expect_somebody(self) -> Self:
        if self.streams and not self.peers:
            raise ValueError("streams without anybody who sends or receives them")
        return self


class _PossibleHeartbeat(Heartbeat):
    """What is looked at on arrival only: an adapter that miscounts must not end the agent that asks it."""

    node: Annotated[NodeId, Field(min_length=1, max_length=128)]
    url: Annotated[str, Field(pattern=r"^wss?://", max_length=2048)]
    region: Annotated[str, Field(max_length=64)]
    backend: Annotated[str, Field(max_length=64)]
    version: Annotated[str, Field(max_length=64)]
    capacity: Annotated[int, Field(gt=0, le=1_000_000)]
    load: _PossibleLoad
    warnings: Annotated[tuple[Annotated[str, Field(max_length=1000)], ...], Field(max_length=16)] = ()
    certificate: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class BadHeartbeat(Exception):
    """The heartbeat is malformed, or not signed by the node that it names."""


class NotOfOurTime(BadHeartbeat):
    """It is signed by its node, but was made long ago, or by a node that does not know what time it is."""


def sign_heartbeat(heartbeat: Heartbeat, key: Ed25519PrivateKey) -> tuple[bytes, str]:
    """The body to post and its `Authorization` header."""
    body = to_json(heartbeat)
    return body, f"{HEARTBEAT_SCHEME} {signed(key, transcript(_HEARTBEAT_PURPOSE, body))}"


def verify_heartbeat(
    body: bytes, authorization: str, trusted: Mapping[NodeId, str], now: float | None = None
) -> Heartbeat:
    """The heartbeat in `body`, signed by the node it names. `trusted`: public keys by node. `now`: Unix seconds.

    Whoever records it still has to compare `sequence`: the same heartbeat verifies again. Raises `BadHeartbeat`,
    `NotOfOurTime`.
    """
    try:
        _PossibleHeartbeat.model_validate_json(body)
        heartbeat = Heartbeat.model_validate_json(body)
    except ValidationError as error:
        raise BadHeartbeat(f"The body is not a heartbeat: {_first(error)}.") from error
    scheme, _, signature = authorization.partition(" ")
    key = trusted.get(heartbeat.node)
    signed = scheme == HEARTBEAT_SCHEME and key is not None
    if not signed or not check(public_key(key or ""), signature, transcript(_HEARTBEAT_PURPOSE, body)):
        raise BadHeartbeat("The heartbeat is not signed by a node that is trusted here.")
    if abs(heartbeat.time_ms / 1000 - (time.time() if now is None else now)) > HEARTBEAT_TOLERANCE:
        raise NotOfOurTime("Its time and ours differ by more than a minute.")
    return heartbeat


def _first(error: ValidationError) -> str:
    """What is wrong, without the value: strangers write it."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(step) for step in fault["loc"])
    return f"{where}: {fault['msg']}" if where else fault["msg"]
