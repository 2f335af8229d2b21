"""Calls, results and events as frames. The methods are read off `RemoteNode`, so they need no list here."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Protocol, get_type_hints

from pydantic import BaseModel, Field, TypeAdapter, create_model
from pydantic_core import to_json
from websockets.typing import Subprotocol

from media_adapters.contract import MediaNode
from media_adapters.errors import MediaError
from media_adapters.events import MediaEvent
from media_adapters.models import PeerRef, PeerStatus, RoomRef, Value

SUBPROTOCOL: Final = Subprotocol("nexusvibe.node.v1")
PATH: Final = "/rpc/v1"
MAX_MESSAGE: Final = 4 << 20
"""Bytes of one websocket message, either way."""

CLOSE_UNAUTHORIZED: Final = 4401
CLOSE_SLOW: Final = 4429
CLOSE_SFU_DOWN: Final = 4503


class Authority(Value):
    """On whose behalf a call is made: the room driver's `fence`, or the participant's connection `generation`.

    Calls that change a room need the fence, calls on a peer either. `open_room` goes without: whichever replica has the
    room's first participant opens it, and the driver's `keep` or `sync` is what lets it stay.
    """

    fence: int | None = None
    generation: int | None = None


class KeepResult(Value):
    """Rooms that are not open on this node, and rooms that a driver with a higher fence keeps."""

    missing: tuple[RoomRef, ...] = ()
    superseded: tuple[RoomRef, ...] = ()


class SyncReport(Value):
    """Every peer that is left in the room, and those asked for that the node does not have."""

    peers: tuple[PeerStatus, ...] = ()
    missing: tuple[PeerRef, ...] = ()


class RemoteNode(MediaNode, Protocol):
    """A media node behind its agent: the contract, and what the agent does for the driver of a room."""

    async def keep(self, rooms: Sequence[tuple[RoomRef, int]]) -> KeepResult:
        """Renew the lease of these rooms, each under its driver's fence. Never raises `Superseded`: it reports it."""

    async def sync(self, room: RoomRef, peers: Sequence[PeerRef]) -> SyncReport:
        """Close the peers that are not listed, except those of the last 5 s: they may be joins not listed yet.

        Raises `RoomNotFound`, `Superseded`.
        """


Scope = Literal["node", "room", "peer"]


class Method:
    """One remote call: how its parameters and its result are read. `scope` is what its first parameter names."""

    __slots__ = ("_params", "name", "names", "result", "scope")

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        hints = get_type_hints(function, include_extras=True)
        self.name = name
        self.result: TypeAdapter[Any] = TypeAdapter(hints.pop("return"))
        self.names = tuple(hints)
        self.scope: Scope = _scope(next(iter(hints.values()), None))
        fields: dict[str, Any] = {parameter: (hint, ...) for parameter, hint in hints.items()}
        self._params: type[BaseModel] = create_model(name, **fields)

    def arguments(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Keyword arguments of the call. Raises pydantic's `ValidationError`."""
        values = self._params.model_validate(params)
        return {name: getattr(values, name) for name in self.names}


def _scope(first: Any) -> Scope:
    return "peer" if first is PeerRef else "room" if first is RoomRef else "node"


METHODS: Final[Mapping[str, Method]] = {
    name: Method(name, function)
    for name, function in inspect.getmembers(RemoteNode, inspect.iscoroutinefunction)
    if name != "close"
}
"""Everything that can be called. `close` and `events` belong to the connection itself."""


class Request(Value):
    id: Annotated[int, Field(ge=0)]
    method: str
    params: dict[str, Any] = Field(default_factory=dict)
    authority: Authority = Authority()


class CallError(Value):
    code: str
    message: str


class Said(Value):
    """What an agent says: an `event`, or the `result` or `error` of the call `id`."""

    id: int | None = None
    result: Any = None
    error: CallError | None = None
    event: MediaEvent | None = None


def encode_request(number: int, method: str, params: Mapping[str, Any], authority: Authority) -> bytes:
    return to_json({"id": number, "method": method, "params": params, "authority": authority})


def encode_result(number: int, result: Any) -> bytes:
    return to_json({"id": number, "result": result})


def encode_error(number: int | None, error: MediaError) -> bytes:
    return to_json({"id": number, "error": {"code": error.code, "message": str(error)}})


def encode_event(event: MediaEvent) -> bytes:
    return to_json({"event": event})


class BadRequest(MediaError):
    """The frame is not what this protocol says."""

    code = "bad_request"
