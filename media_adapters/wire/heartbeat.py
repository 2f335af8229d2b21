"""What a node says about itself every second, signed, to whichever replica answers."""

import time
from collections.abc import Mapping
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError
from pydantic_core import to_json

from media_adapters.models import Capability, NodeId, NodeLoad, Value
from media_adapters.wire.keys import check, public_key, signed, transcript

HEARTBEAT_PATH: Final = "/internal/v1/nodes/heartbeat"
HEARTBEAT_SCHEME: Final = "NexusVibe-Ed25519"
HEARTBEAT_TOLERANCE: Final = 60.0
"""Seconds that a node's clock may differ from ours."""
_HEARTBEAT_PURPOSE: Final = "nexusvibe.node.v1 heartbeat"


class Heartbeat(Value):
    """What a node says about itself every second. `url` is where replicas dial. Times are ms since the Unix epoch.

    `capacity` and `load` are in RTP streams. `sequence` grows with each heartbeat, across restarts of the agent too.
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


class BadHeartbeat(Exception):
    """The heartbeat is malformed, not signed by the node that it names, or not of our time."""


def sign_heartbeat(heartbeat: Heartbeat, key: Ed25519PrivateKey) -> tuple[bytes, str]:
    """The body to post and its `Authorization` header."""
    body = to_json(heartbeat)
    return body, f"{HEARTBEAT_SCHEME} {signed(key, transcript(_HEARTBEAT_PURPOSE, body))}"


def verify_heartbeat(
    body: bytes, authorization: str, trusted: Mapping[NodeId, str], now: float | None = None
) -> Heartbeat:
    """The heartbeat in `body`, signed by the node it names. `trusted`: public keys by node. `now`: Unix seconds.

    Whoever records it still has to compare `sequence`: the same heartbeat verifies again. Raises `BadHeartbeat`.
    """
    try:
        heartbeat = Heartbeat.model_validate_json(body)
    except ValidationError as error:
        raise BadHeartbeat("The body is not a heartbeat.") from error
    scheme, _, signature = authorization.partition(" ")
    key = trusted.get(heartbeat.node)
    signed = scheme == HEARTBEAT_SCHEME and key is not None
    if not signed or not check(public_key(key or ""), signature, transcript(_HEARTBEAT_PURPOSE, body)):
        raise BadHeartbeat("The heartbeat is not signed by a node that is trusted here.")
    if abs(heartbeat.time_ms / 1000 - (time.time() if now is None else now)) > HEARTBEAT_TOLERANCE:
        raise BadHeartbeat("The node's clock and ours differ by more than a minute.")
    return heartbeat
