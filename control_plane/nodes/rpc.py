"""The control plane's end of the node RPC: one client per replica and media node, which stays connected by itself.

Calls fail at once while there is no connection: whoever calls knows better than a queue what is still worth saying.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import structlog
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from control_plane.ids import NodeId, ReplicaId
from control_plane.nodes.identity import ControlKey
from control_plane.nodes.rpc_connection import (
    Lost,
    RpcConnection,
    Untrusted,
    expect_certificate,
    introduce,
    why_closed,
    why_not_connected,
)
from media_adapters.errors import NodeGone, NodeTimeout
from media_adapters.events import MediaEvent, SfuDied
from media_adapters.models import NodeDescription, RoomRef
from media_adapters.wire import MAX_MESSAGE, METHODS, SUBPROTOCOL, Authority, KeepResult, Method, RemoteNode, public_key

__all__ = ["Lost", "NodeClient"]

log = structlog.get_logger()

CALL_TIMEOUT: Final = 5.0
DIAL_TIMEOUT: Final = 2.0
# A frozen agent is noticed after at most the sum of these three.
PING_INTERVAL: Final = 1.0
PING_TIMEOUT: Final = 1.4
CLOSE_TIMEOUT: Final = 0.3
_DELAYS: Final = (0.0, 0.1, 0.3, 1.0)
_LASTING: Final = 5.0
"""Seconds after which a lost connection is dialled again at once; a shorter one counts as a failed attempt."""

ValueT = TypeVar("ValueT")


class NodeClient:
    """Dials one agent, and again whenever the connection is lost, until the context is left.

    The callbacks are called in order, on the event loop, and must not block. `on_lost` tells that the connection was
    lost, and again when dialling fails for another reason than told last. After `on_connected` state has to be asked
    for: events between two connections are lost.
    """

    def __init__(
        self,
        node: NodeId,
        url: str,
        *,
        replica: ReplicaId,
        control_key: ControlKey,
        node_key: str,
        on_event: Callable[[MediaEvent], None],
        on_connected: Callable[[NodeDescription], None],
        on_lost: Callable[[Lost], None],
        call_timeout: float = CALL_TIMEOUT,
        tls: ssl.SSLContext | None = None,
        certificate: str | None = None,
    ) -> None:
        """`node_key` is the node's pinned public key (base64). `call_timeout` is in seconds. `certificate`: SHA-256
        (hex) of the only one that is taken, whoever signed it; without, `tls` or the system's authorities decide.
        """
        self.node, self.url, self.node_key, self.certificate = node, url, node_key, certificate
        self._replica, self._control_key, self._node_key = replica, control_key, public_key(node_key)
        self._on_event, self._on_connected, self._on_lost = on_event, on_connected, on_lost
        self._call_timeout, self._tls = call_timeout, tls
        self._connection: RpcConnection | None = None
        self._told: Lost | None = None
        self._streams: set[EventStream] = set()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stay_connected())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        for stream in list(self._streams):
            stream.end()

    @property
    def connected(self) -> bool:
        return self._connection is not None

    def acting(self, *, fence: int | None = None, generation: int | None = None) -> RemoteNode:
        """This node, commanded with the fence of a room's driver or the generation of a participant's connection.

        With both, calls on rooms carry weight by the fence and calls on peers by the generation.
        """
        return cast("RemoteNode", _View(self, Authority(fence=fence, generation=generation)))

    async def keep(self, rooms: Sequence[tuple[RoomRef, int]]) -> KeepResult:
        """Renew the leases of rooms that we drive, each with its fence."""
        return await self.acting().keep(rooms)

    async def call(self, method: Method, params: Mapping[str, Any], authority: Authority) -> Any:
        """Raises what the node raised, `NodeGone` without a connection, `NodeTimeout` after the call's time."""
        if self._connection is None:
            raise NodeGone(f"There is no connection to node {self.node}.")
        try:
            async with asyncio.timeout(self._call_timeout):
                return await self._connection.call(method, params, authority)
        except TimeoutError as error:
            raise NodeTimeout(f"Node {self.node} did not answer {method.name} in time.") from error

    def stream(self) -> "EventStream":
        """Every event from now on, as an iterator beside `on_event`."""
        stream = EventStream(self._streams.discard)
        self._streams.add(stream)
        return stream

    async def _stay_connected(self) -> None:
        loop, attempts = asyncio.get_running_loop(), 0
        while True:
            dialled = loop.time()
            lost = await self._one_connection()
            if lost is not self._told:
                self._told = lost
                log.warning("node_connection_lost", node=self.node, reason=lost)
                _tell(self._on_lost, lost)
            attempts = 0 if loop.time() - dialled > _LASTING else attempts + 1
            await asyncio.sleep(_DELAYS[min(attempts, len(_DELAYS) - 1)])

    async def _one_connection(self) -> Lost:
        try:
            async with asyncio.timeout(DIAL_TIMEOUT) as dialling, self._dial() as websocket:
                expect_certificate(websocket, self.certificate)
                description = await introduce(websocket, self.node, self._node_key, self._replica, self._control_key)
                dialling.reschedule(None)
                await self._use(RpcConnection(websocket, self._happened), description)
        except ConnectionClosed as error:
            return why_closed(error)
        except Untrusted:
            return Lost.UNTRUSTED
        except TimeoutError:
            return Lost.SILENT
        except (OSError, InvalidHandshake) as error:
            return why_not_connected(error)
        except Exception:  # whatever else a library raises: this node must be dialled again
            log.exception("node_connection_failed", node=self.node)
        return Lost.CLOSED

    def _dial(self) -> connect:
        return connect(
            self.url,
            ssl=self._context(),
            subprotocols=[SUBPROTOCOL],
            compression=None,
            proxy=None,
            max_size=MAX_MESSAGE,
            open_timeout=None,
            ping_interval=PING_INTERVAL,
            ping_timeout=PING_TIMEOUT,
            close_timeout=CLOSE_TIMEOUT,
            user_agent_header=None,
        )

    def _context(self) -> ssl.SSLContext | bool | None:
        if not self.url.startswith("wss:"):
            return None
        return _any_certificate() if self.certificate else self._tls or True

    async def _use(self, connection: RpcConnection, description: NodeDescription) -> None:
        self._connection, self._told = connection, None
        log.info("node_connected", node=self.node, backend=description.backend)
        try:
            _tell(self._on_connected, description)
            await connection.run()
        finally:
            self._connection = None

    def _happened(self, event: MediaEvent) -> None:
        for stream in list(self._streams):
            stream.put(event)
        _tell(self._on_event, event)


def _any_certificate() -> ssl.SSLContext:
    """For who compares the certificate with the one that the node has signed for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _tell(callback: Callable[[ValueT], None], value: ValueT) -> None:
    """A listener's fault must not end the connection that it listens to."""
    try:
        callback(value)
    except Exception:
        log.exception("node_listener_failed")


class EventStream(AsyncIterator[MediaEvent]):
    """Events until `SfuDied` or `end`."""

    def __init__(self, on_end: "Callable[[EventStream], None]") -> None:
        self._events: asyncio.Queue[MediaEvent | None] = asyncio.Queue()
        self._on_end = on_end

    def put(self, event: MediaEvent) -> None:
        self._events.put_nowait(event)
        if isinstance(event, SfuDied):
            self.end()

    def end(self) -> None:
        self._on_end(self)
        self._events.put_nowait(None)

    async def __anext__(self) -> MediaEvent:
        event = await self._events.get()
        if event is None:
            raise StopAsyncIteration
        return event


class _View:
    """`RemoteNode` with one authority. Its calls are made from the list of methods, so none is written here."""

    __slots__ = ("_authority", "_client", "_streams")

    def __init__(self, client: NodeClient, authority: Authority) -> None:
        self._client, self._authority = client, authority
        self._streams: list[EventStream] = []

    def events(self) -> AsyncIterator[MediaEvent]:
        stream = self._client.stream()
        self._streams.append(stream)
        return stream

    async def close(self) -> None:
        for stream in self._streams:
            stream.end()


def _remote(method: Method) -> Callable[..., Awaitable[Any]]:
    async def call(self: _View, *values: Any, **named: Any) -> Any:
        params = dict(zip(method.names, values, strict=False)) | named
        return await self._client.call(method, params, self._authority)

    return call


for _method in METHODS.values():
    setattr(_View, _method.name, _remote(_method))
