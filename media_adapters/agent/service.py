"""What the agent does with a call: refuse it, keep its own books, or pass it to the adapter. No sockets here.

Rooms whose lease has lapsed are closed before any call is looked at, so that an agent that was frozen serves nobody
whom the control plane has meanwhile removed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import structlog
from pydantic import ValidationError

from media_adapters.agent.fencing import Fencing
from media_adapters.agent.rooms import Rooms
from media_adapters.agent.routing import Routes
from media_adapters.contract import MediaNode
from media_adapters.errors import MediaError, NodeGone, NodeTimeout, RoomNotFound, Superseded
from media_adapters.events import MediaEvent, PeerClosed, RoomClosed, SfuDied
from media_adapters.models import NodeDescription, NodeLoad, PeerRef, RoomRef, RoomSpec
from media_adapters.wire import METHODS, Authority, BadRequest, KeepResult, Method, Request, SyncReport, encode_event

log = structlog.get_logger()

CALL_TIMEOUT: Final = 10.0
_CLOSE_TIMEOUT: Final = 5.0
_TEND_EVERY: Final = 1.0
_FORGET_EVERY: Final = 60.0
_OPEN_TO_ALL: Final = frozenset({"describe", "load", "keep", "peers"})
"""Calls that change nothing, and `keep`, which carries a fence per room."""


def machine_clock() -> float:
    """Seconds that go on while this process is stopped and while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Caller(Protocol):
    """A replica's connection. Compared by identity."""

    def __hash__(self) -> int: ...

    def deliver(self, frame: bytes) -> None:
        """Queue an event's frame; never blocks and never raises."""


class AgentService:
    """Calls of all replicas on one SFU. `attach` and `detach` follow the SFU's lives."""

    def __init__(self, *, room_lease: float, clock: Callable[[], float] = machine_clock) -> None:
        self._clock = clock
        self._fencing = Fencing()
        self._rooms = Rooms(room_lease)
        self._routes: Routes[Caller] = Routes()
        self._media: MediaNode | None = None
        self._closing = asyncio.Lock()
        self._own: Mapping[str, Callable[..., Awaitable[Any]]] = {
            "open_room": self._open_room,
            "close_room": self._close_room,
            "close_peer": self._close_peer,
            "keep": self._keep,
            "sync": self._sync,
        }
        self.description: NodeDescription | None = None
        """None while there is no SFU."""

    def attach(self, media: MediaNode, description: NodeDescription) -> None:
        self._media, self.description = media, description

    def detach(self) -> None:
        """The SFU is dead, and with it every room."""
        self._media = self.description = None
        self._rooms.all_closed()
        self._routes.all_closed()

    # ── Calls ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def call(self, caller: Caller, request: Request) -> Any:
        """The result. Raises `MediaError`, with `NodeTimeout` when the adapter does not answer in 10 s."""
        method, arguments = _read(request)
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                await self._close_lapsed()
                return await self._perform(caller, method, arguments, request.authority)
        except TimeoutError as error:
            raise NodeTimeout("The media server did not answer in time.") from error

    async def _perform(self, caller: Caller, method: Method, arguments: dict[str, Any], authority: Authority) -> Any:
        media = self._adapter()
        self._allow(caller, method, arguments, authority)
        if own := self._own.get(method.name):
            return await own(caller, authority, **arguments)
        called_at = self._clock()
        result = await getattr(media, method.name)(**arguments)
        if method.scope == "peer":
            self._rooms.arrived(arguments["peer"], called_at)
        return result

    def _adapter(self) -> MediaNode:
        if self._media is None:
            raise NodeGone("The media server of this node is down.")
        return self._media

    def _allow(self, caller: Caller, method: Method, arguments: dict[str, Any], authority: Authority) -> None:
        now = self._clock()
        if method.scope == "peer":
            peer: PeerRef = arguments["peer"]
            self._fencing.peer(peer, authority, now)
            # A publisher's candidate may come through any replica (RFC 9725): that makes none the owner of its events.
            if authority.generation is not None and method.name != "add_candidate":
                self._routes.claim(peer, caller)
        elif method.name not in _OPEN_TO_ALL and not _opens_for_its_participant(method, authority):
            self._fencing.room(arguments["room"], authority, now)
        room = arguments["peer"].room if method.scope == "peer" else arguments.get("room")
        if room is not None and self._rooms.is_lapsed(room, now):
            raise RoomNotFound("This room had no driver for too long and is being closed.")

    async def load(self) -> NodeLoad:
        """What the node carries now. Raises `MediaError`."""
        return await self._adapter().load()

    async def _open_room(self, caller: Caller, _authority: Authority, room: RoomRef, spec: RoomSpec) -> None:
        media, known = self._adapter(), room in self._rooms.here()
        self._rooms.opened(room, self._clock())  # before the call: a room made by a call that timed out lapses too
        self._routes.watch(room, caller)
        try:
            await media.open_room(room, spec)
        except NodeTimeout:
            raise
        except MediaError:
            if not known:
                self._forget_room(room)
            raise
        if media is not self._media:
            raise NodeGone("The media server died while it opened the room.")

    async def _close_room(self, caller: Caller, _authority: Authority, room: RoomRef) -> None:
        await self._adapter().close_room(room)
        self._room_closed(room, "closed by its driver", besides=caller)

    async def _close_peer(self, caller: Caller, authority: Authority, peer: PeerRef) -> None:
        if authority.generation is None:
            self._fencing.removed(peer, self._clock())
        await self._adapter().close_peer(peer)
        self._peer_closed(peer, "closed by the driver of the room", besides=caller)

    async def _keep(self, caller: Caller, _authority: Authority, rooms: Sequence[tuple[RoomRef, int]]) -> KeepResult:
        now, missing, superseded = self._clock(), [], []
        for room, fence in rooms:
            try:
                self._fencing.room(room, Authority(fence=fence), now)
            except Superseded:
                superseded.append(room)
                continue
            if self._rooms.renew(room, now):
                self._routes.watch(room, caller)
            else:
                missing.append(room)
        return KeepResult(missing=tuple(missing), superseded=tuple(superseded))

    async def _sync(self, caller: Caller, _authority: Authority, room: RoomRef, peers: Sequence[PeerRef]) -> SyncReport:
        media, listed, kept = self._adapter(), set(peers), []
        if self._rooms.renew(room, self._clock()):
            self._routes.watch(room, caller)
        for status in await media.peers(room):
            peer = status.peer
            if peer in listed or not self._rooms.is_settled(peer, self._clock()):
                kept.append(status)
                continue
            await media.close_peer(peer)
            self._peer_closed(peer, "not in the room any more", besides=caller)
        here = {status.peer for status in kept}
        return SyncReport(peers=tuple(kept), missing=tuple(peer for peer in peers if peer not in here))

    # ── Leases ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def tend(self) -> None:
        """Close lapsed rooms and forget old ones, for as long as the agent runs."""
        forget_at = self._clock() + _FORGET_EVERY
        while True:
            await asyncio.sleep(_TEND_EVERY)
            await self._close_lapsed()
            if (now := self._clock()) >= forget_at:
                for room, participant in self._fencing.forget(now, self._rooms.here(), self._rooms.participants()):
                    self._routes.forget(room, participant)
                forget_at = now + _FORGET_EVERY

    async def _close_lapsed(self) -> None:
        if not self._rooms.to_close(self._clock()):
            return
        async with self._closing:
            for room in self._rooms.to_close(self._clock()):
                await self._close_orphan(room)

    async def _close_orphan(self, room: RoomRef) -> None:
        if self._media is None:
            return
        log.warning("room_lease_lapsed", room=room.room, incarnation=room.incarnation)
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._media.close_room(room)
        except (MediaError, TimeoutError) as error:
            self._rooms.could_not_close(room, self._clock())
            log.warning("room_not_closed", room=room.room, incarnation=room.incarnation, error=type(error).__name__)
        else:
            self._room_closed(room, "no driver was heard of")

    # ── Events ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def happened(self, event: MediaEvent) -> None:
        """Book an adapter's event and send it to whom it concerns. `SfuDied` is the server's to tell."""
        match event:
            case SfuDied():
                return
            case RoomClosed(room=room, reason=reason):
                self._room_closed(room, reason)
            case PeerClosed(peer=peer, reason=reason):
                self._peer_closed(peer, reason)
            case _:
                if owner := self._routes.owner(event.peer):
                    owner.deliver(encode_event(event))

    def connection_lost(self, caller: Caller) -> None:
        self._routes.connection_lost(caller)

    def _room_closed(self, room: RoomRef, reason: str, besides: Caller | None = None) -> None:
        """Tell everybody, once: the adapter may report the same end again."""
        if room not in self._rooms.here():
            return
        frame = encode_event(RoomClosed(room=room, reason=reason))
        for caller in self._routes.audience(room):
            if caller is not besides:
                caller.deliver(frame)
        self._forget_room(room)

    def _forget_room(self, room: RoomRef) -> None:
        self._rooms.closed(room)
        self._routes.room_closed(room)

    def _peer_closed(self, peer: PeerRef, reason: str, besides: Caller | None = None) -> None:
        owner = self._routes.owner(peer)
        if owner is not None and owner is not besides:
            owner.deliver(encode_event(PeerClosed(peer=peer, reason=reason)))
        self._rooms.left(peer)


def _opens_for_its_participant(method: Method, authority: Authority) -> bool:
    """Whichever replica has the room's first participant to come here opens it, driver or not.

    That renews no lease: a room that nobody drives is closed in spite of it.
    """
    return method.name == "open_room" and authority.fence is None


def _read(request: Request) -> tuple[Method, dict[str, Any]]:
    method = METHODS.get(request.method)
    if method is None:
        raise BadRequest("This agent knows no such method.")
    try:
        return method, method.arguments(request.params)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadRequest(f"{request.method}: {where}: {first['msg']}") from error
