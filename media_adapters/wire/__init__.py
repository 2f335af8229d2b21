"""The node RPC's wire format, shared by the node agent and the control plane's client.

A replica dials `{node url}` (path `/rpc/v1`, subprotocol `nexusvibe.node.v1`). After the handshake both sides send
frames, JSON objects without raw newlines; one websocket message carries one or more of them, a newline between each:

    {"id": 7, "method": "publish", "params": {…}, "authority": {"generation": 3}}    replica → agent
    {"id": 7, "result": …}   {"id": 7, "error": {"code": "superseded", "message": "…"}}   agent → replica
    {"event": {"type": "track_started", …}}                                        agent → replica

Methods, their parameters and results come from the type hints of `RemoteNode`: what the media contract gains travels
without a line here. Handshake and heartbeats are signed with Ed25519, each signature over a transcript of its own kind.
"""

from media_adapters.wire.calls import (
    CLOSE_SFU_DOWN,
    CLOSE_SLOW,
    CLOSE_UNAUTHORIZED,
    MAX_MESSAGE,
    METHODS,
    PATH,
    SUBPROTOCOL,
    Authority,
    BadRequest,
    KeepResult,
    Method,
    RemoteNode,
    Request,
    Said,
    SyncReport,
    encode_error,
    encode_event,
    encode_request,
    encode_result,
)
from media_adapters.wire.handshake import Challenge, Handshake, Hello, Proof, Welcome, new_nonce
from media_adapters.wire.heartbeat import (
    HEARTBEAT_PATH,
    HEARTBEAT_SCHEME,
    HEARTBEAT_TOLERANCE,
    BadHeartbeat,
    Heartbeat,
    NotOfOurTime,
    sign_heartbeat,
    verify_heartbeat,
)
from media_adapters.wire.keys import BadKey, new_private_key, private_key, public_key, public_text
from media_adapters.wire.outbox import Outbox, OutboxFull

__all__ = [
    "CLOSE_SFU_DOWN",
    "CLOSE_SLOW",
    "CLOSE_UNAUTHORIZED",
    "HEARTBEAT_PATH",
    "HEARTBEAT_SCHEME",
    "HEARTBEAT_TOLERANCE",
    "MAX_MESSAGE",
    "METHODS",
    "PATH",
    "SUBPROTOCOL",
    "Authority",
    "BadHeartbeat",
    "BadKey",
    "BadRequest",
    "Challenge",
    "Handshake",
    "Heartbeat",
    "Hello",
    "KeepResult",
    "Method",
    "NotOfOurTime",
    "Outbox",
    "OutboxFull",
    "Proof",
    "RemoteNode",
    "Request",
    "Said",
    "SyncReport",
    "Welcome",
    "encode_error",
    "encode_event",
    "encode_request",
    "encode_result",
    "new_nonce",
    "new_private_key",
    "private_key",
    "public_key",
    "public_text",
    "sign_heartbeat",
    "verify_heartbeat",
]
