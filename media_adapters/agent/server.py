"""The agent's end of the node RPC: who may connect, frames in, frames out. What a call does is `service`'s business."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, TypeVar

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError
from pydantic_core import from_json
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response as HttpResponse

from media_adapters.agent.service import AgentService
from media_adapters.errors import MediaError, NodeBusy
from media_adapters.events import SfuDied
from media_adapters.models import NodeDescription, NodeId, Value
from media_adapters.wire import (
    CLOSE_SFU_DOWN,
    CLOSE_UNAUTHORIZED,
    MAX_MESSAGE,
    PATH,
    SUBPROTOCOL,
    BadRequest,
    Challenge,
    Handshake,
    Hello,
    Outbox,
    OutboxFull,
    Proof,
    Request,
    Welcome,
    encode_error,
    encode_event,
    encode_result,
    new_nonce,
)

log = structlog.get_logger()

HANDSHAKE_TIMEOUT: Final = 5.0
OUTBOX_LIMIT: Final = 2000
_MAX_IN_FLIGHT: Final = 1000
_MAX_STRANGERS: Final = 100
_MAX_HANDSHAKE: Final = 4096

ValueT = TypeVar("ValueT", bound=Value)

# Port scans and torn connections are not the operator's business; the library would log their tracebacks and addresses.
_LIBRARY_LOG: Final = logging.getLogger("media_adapters.agent.websocket")
_LIBRARY_LOG.setLevel(logging.CRITICAL)


class Refused(Exception):
    """The handshake failed; the message is told to the other side."""


class ReplicaConnection:
    """One authenticated connection. A replica that reads too slowly loses it, and nobody else waits."""

    def __init__(self, websocket: ServerConnection, replica: str) -> None:
        self.replica = replica
        self.in_flight = 0
        self._websocket = websocket
        self._outbox = Outbox(lambda message: websocket.send(message, text=True), OUTBOX_LIMIT)
        self._close_code = 1000
        self._dead = False

    def deliver(self, frame: bytes) -> None:
        if self._dead:
            return
        try:
            self._outbox.put(frame)
        except OutboxFull:
            log.warning("replica_too_slow", replica=self.replica, frames=OUTBOX_LIMIT)
            self.lost()
            self._websocket.transport.abort()

    async def write(self) -> None:
        await self._outbox.run()
        await self._websocket.close(self._close_code, "sfu_down")

    def finish(self, code: int) -> None:
        """Close once everything said so far was sent."""
        self._close_code = code
        self._outbox.end()

    def lost(self) -> None:
        self._dead = True


class NodeServer:
    def __init__(
        self, node: NodeId, key: Ed25519PrivateKey, control_key: Ed25519PublicKey, service: AgentService
    ) -> None:
        self._node, self._key, self._control_key, self._service = node, key, control_key, service
        self._connections: set[ReplicaConnection] = set()
        self._calls: set[asyncio.Task[None]] = set()
        self._strangers = 0

    @asynccontextmanager
    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
        """Serve; yields the port, a free one if `port` is 0. Raises `OSError` if it is taken."""
        async with serve(
            self._serve,
            host,
            port,
            ssl=tls,
            process_request=_only_the_rpc,
            subprotocols=[SUBPROTOCOL],
            origins=[None],  # no web page talks to an agent
            compression=None,
            max_size=MAX_MESSAGE,
            ping_interval=5,
            ping_timeout=10,
            close_timeout=1,
            server_header=None,
            logger=_LIBRARY_LOG,
        ) as server:
            try:
                yield _port(server)
            finally:
                await self._stop_calls()

    def sfu_died(self, reason: str) -> None:
        """Tell every replica, then close their connections: there is nothing to command until the SFU is back."""
        frame = encode_event(SfuDied(reason=reason))
        for connection in self._connections:
            connection.deliver(frame)
            connection.finish(CLOSE_SFU_DOWN)

    # ── Handshake ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, websocket: ServerConnection) -> None:
        if self._strangers >= _MAX_STRANGERS:
            await websocket.close(1013, "too many connections that have not proven who they are")
            return
        self._strangers += 1
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                hello = await self._authenticate(websocket)
        except (Refused, TimeoutError) as error:
            reason = str(error) or "the handshake took too long"
            log.warning("replica_refused", reason=reason)
            await websocket.close(CLOSE_UNAUTHORIZED, reason)
            return
        except ConnectionClosed:
            return
        finally:
            self._strangers -= 1
        if self._service.description is None:
            await websocket.close(CLOSE_SFU_DOWN, "sfu_down")
            return
        await self._serve_replica(ReplicaConnection(websocket, hello.replica), websocket, self._service.description)

    async def _authenticate(self, websocket: ServerConnection) -> Hello:
        hello = await _receive(websocket, Hello)
        if hello.node != self._node:
            raise Refused("this is another node")
        nonce = new_nonce()
        handshake = Handshake(hello, nonce)
        challenge = Challenge(nonce=nonce, signature=handshake.sign_as_agent(self._key))
        await websocket.send(challenge.model_dump_json())
        proof = await _receive(websocket, Proof)
        if not handshake.replica_signed(self._control_key, proof.signature):
            raise Refused("the replica is not of the control plane that this node belongs to")
        return hello

    # ── Frames ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _serve_replica(
        self, connection: ReplicaConnection, websocket: ServerConnection, description: NodeDescription
    ) -> None:
        connection.deliver(Welcome(node=description).model_dump_json().encode())
        self._connections.add(connection)
        log.info("replica_connected", replica=connection.replica)
        writer = asyncio.create_task(connection.write())
        try:
            while True:
                message = await websocket.recv(decode=False)
                for frame in message.split(b"\n"):
                    self._accept(connection, frame)
        except ConnectionClosed as error:
            log.info("replica_gone", replica=connection.replica, code=error.rcvd.code if error.rcvd else None)
        finally:
            connection.lost()
            self._connections.discard(connection)
            self._service.connection_lost(connection)
            writer.cancel()
            await asyncio.wait({writer})
            if not writer.cancelled():
                writer.exception()

    def _accept(self, connection: ReplicaConnection, frame: bytes) -> None:
        try:
            request = Request.model_validate_json(frame)
        except ValidationError:
            connection.deliver(encode_error(_id_of(frame), BadRequest("This is not a request.")))
            return
        if connection.in_flight >= _MAX_IN_FLIGHT:
            connection.deliver(encode_error(request.id, NodeBusy("Too many calls of this replica are unanswered.")))
            return
        connection.in_flight += 1
        call = asyncio.create_task(self._answer(connection, request))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _answer(self, connection: ReplicaConnection, request: Request) -> None:
        """A call goes on when its connection is lost: a replica's death must not cut a half-made peer."""
        try:
            frame = encode_result(request.id, await self._service.call(connection, request))
        except MediaError as error:
            frame = encode_error(request.id, error)
        except Exception as error:  # an adapter's fault in one call must not end the calls of everybody
            log.exception("call_failed", method=request.method)
            frame = encode_error(request.id, MediaError(f"The adapter failed: {type(error).__name__}."))
        finally:
            connection.in_flight -= 1
        connection.deliver(frame)

    async def _stop_calls(self) -> None:
        for call in self._calls:
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls)


async def _receive(websocket: ServerConnection, model: type[ValueT]) -> ValueT:
    """The next message of the handshake. Raises `Refused`."""
    message = await websocket.recv(decode=False)
    if len(message) > _MAX_HANDSHAKE:
        raise Refused("that is too long for a handshake")
    try:
        return model.model_validate_json(message)
    except ValidationError as error:
        raise Refused(f"expected {model.__name__.lower()}") from error


def _id_of(frame: bytes) -> int | None:
    """The id of a frame that is not a request, as far as it has one, so that its sender need not wait."""
    try:
        value: Any = from_json(frame)
    except ValueError:
        return None
    number = value.get("id") if isinstance(value, dict) else None
    return number if isinstance(number, int) else None


def _only_the_rpc(connection: ServerConnection, request: HttpRequest) -> HttpResponse | None:
    return None if request.path == PATH else connection.respond(HTTPStatus.NOT_FOUND, "The node RPC is elsewhere.\n")


def _port(server: Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port
