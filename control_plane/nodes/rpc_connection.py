"""One established connection of the node RPC: the handshake that makes it, calls and events on it, why it ended."""

import asyncio
import errno
import hashlib
import hmac
import itertools
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from control_plane.ids import NodeId, ReplicaId
from control_plane.nodes.identity import ControlKey
from media_adapters.errors import MediaError, NodeBusy, NodeGone, from_code
from media_adapters.events import MediaEvent
from media_adapters.models import NodeDescription, Value
from media_adapters.wire import (
    CLOSE_SFU_DOWN,
    CLOSE_UNAUTHORIZED,
    Authority,
    Challenge,
    Handshake,
    Hello,
    Method,
    Outbox,
    OutboxFull,
    Proof,
    Said,
    Welcome,
    encode_request,
    new_nonce,
)

log = structlog.get_logger()

_OUTBOX_LIMIT: Final = 10_000
_PING_TIMED_OUT: Final = 1011

ValueT = TypeVar("ValueT", bound=Value)


class Lost(StrEnum):
    """Why there is no connection to a node."""

    REFUSED = "refused"
    """Nobody listens there: the agent's process is gone, and its media with it."""
    SILENT = "silent"
    """No answer to a dial or a ping: frozen, overloaded or cut off."""
    CLOSED = "closed"
    """The connection ended, for no reason that we know. Dialling again tells more."""
    UNREACHABLE = "unreachable"
    """The network or the name does not lead to an agent."""
    UNTRUSTED = "untrusted"
    """One side could not prove who it is."""
    SFU_DOWN = "sfu_down"
    """The agent lives, its SFU does not."""


_LOST: Final = "The connection to the node was lost."


class Untrusted(Exception):
    """The other side is not the node that we mean."""


async def introduce(
    websocket: ClientConnection, node: NodeId, node_key: Ed25519PublicKey, replica: ReplicaId, control_key: ControlKey
) -> NodeDescription:
    """The handshake of a replica. Raises `Untrusted`, or `ConnectionClosed` when the node does not trust us."""
    hello = Hello(replica=replica, node=node, nonce=new_nonce())
    await websocket.send(hello.model_dump_json())
    challenge = await _receive(websocket, Challenge)
    handshake = Handshake(hello, challenge.nonce)
    if not handshake.agent_signed(node_key, challenge.signature):
        raise Untrusted
    await websocket.send(Proof(signature=control_key.sign(handshake)).model_dump_json())
    return (await _receive(websocket, Welcome)).node


def expect_certificate(websocket: ClientConnection, pinned: str | None) -> None:
    """Raises `Untrusted` when another certificate than the pinned one (SHA-256, hex) is shown; None pins none."""
    if pinned is None:
        return
    tls = websocket.transport.get_extra_info("ssl_object")
    shown = b"" if tls is None else tls.getpeercert(binary_form=True) or b""
    if not hmac.compare_digest(hashlib.sha256(shown).hexdigest(), pinned):
        raise Untrusted


async def _receive(websocket: ClientConnection, model: type[ValueT]) -> ValueT:
    try:
        return model.model_validate_json(await websocket.recv(decode=False))
    except ValidationError as error:
        raise Untrusted from error


class RpcConnection:
    """Calls and events on a websocket whose handshake is done."""

    def __init__(self, websocket: ClientConnection, on_event: Callable[[MediaEvent], None]) -> None:
        self._websocket, self._on_event = websocket, on_event
        self._outbox = Outbox(lambda message: websocket.send(message, text=True), _OUTBOX_LIMIT)
        self._numbers = itertools.count(1)
        self._pending: dict[int, tuple[Method, asyncio.Future[Any]]] = {}
        self._lost = False

    async def call(self, method: Method, params: Mapping[str, Any], authority: Authority) -> Any:
        """The node's result. Raises its error, or `NodeGone` as soon as the connection is lost."""
        if self._lost:
            raise NodeGone(_LOST)
        number, answered = next(self._numbers), asyncio.get_running_loop().create_future()
        self._pending[number] = method, answered
        try:
            self._outbox.put(encode_request(number, method.name, params, authority))
            return await answered
        except OutboxFull as error:
            raise NodeBusy("Too many calls wait to be sent to this node.") from error
        finally:
            self._pending.pop(number, None)

    async def run(self) -> None:
        """Until the connection is lost: raises `ConnectionClosed` then, and all unanswered calls fail."""
        writer = asyncio.create_task(self._outbox.run())
        try:
            while True:
                message = await self._websocket.recv(decode=False)
                for frame in message.split(b"\n"):
                    self._take(frame)
        finally:
            self._lost = True  # before those who wait are woken: one may call again at once
            for _, answered in self._pending.values():
                if not answered.done():
                    answered.set_exception(NodeGone(_LOST))
            writer.cancel()
            await asyncio.wait({writer})
            if not writer.cancelled():
                writer.exception()  # the same loss, already raised by recv()

    def _take(self, frame: bytes) -> None:
        try:
            said = Said.model_validate_json(frame)
        except ValidationError:
            log.warning("node_frame_not_understood")
            return
        if said.event is not None:
            self._on_event(said.event)
        elif said.id is not None and (pending := self._pending.get(said.id)):
            _settle(*pending, said)


def _settle(method: Method, answered: asyncio.Future[Any], said: Said) -> None:
    if answered.done():
        return  # its caller gave up
    if said.error is not None:
        answered.set_exception(from_code(said.error.code, said.error.message))
        return
    try:
        answered.set_result(method.result.validate_python(said.result))
    except ValidationError:
        answered.set_exception(MediaError(f"The node's answer to {method.name} is not what the contract says."))


def why_closed(error: ConnectionClosed) -> Lost:
    code = error.rcvd.code if error.rcvd else None
    if code == CLOSE_SFU_DOWN:
        return Lost.SFU_DOWN
    if code == CLOSE_UNAUTHORIZED:
        return Lost.UNTRUSTED
    gave_up = error.rcvd is None and error.sent is not None and error.sent.code == _PING_TIMED_OUT
    return Lost.SILENT if gave_up else Lost.CLOSED


def why_not_connected(error: Exception) -> Lost:
    """A name with several addresses fails with one error that quotes one per address."""
    refused = str(error).count(f"[Errno {errno.ECONNREFUSED}]")
    return Lost.REFUSED if refused and refused == str(error).count("[Errno ") else Lost.UNREACHABLE
