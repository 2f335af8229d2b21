"""A participant's subscriber: mediasoup offers, the client answers, and the wanted tracks flow.

Requests go one by one, each decided from what the bridge said it sends. No offer is made while one is unanswered: what
changes meanwhile is merged into the offer that follows.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from media_adapters.common.plan import Changes, Line, changes
from media_adapters.common.sdp import check_answer
from media_adapters.common.serial import Serial
from media_adapters.errors import MediaError, PeerNotFound, RoomNotFound, StaleNegotiation
from media_adapters.events import ConnectionChanged, SubscriberOffered
from media_adapters.mediasoup.protocol import BridgeEvent, Connected, ConnectionClosed, Offered
from media_adapters.mediasoup.publisher import close_connection
from media_adapters.mediasoup.room import Room
from media_adapters.models import (
    ConnectionStatus,
    PeerConnectionRole,
    PeerRef,
    SubscribedTrack,
    Subscription,
    TrackId,
)

log = structlog.get_logger()


@dataclass(eq=False)
class _Connection:
    """One life of the peer connection. `name` is the bridge's for it, `asked` all that was ever asked for, by producer:
    a request that timed out may have taken effect and shows in what the bridge says later."""

    name: str
    lines: tuple[Line, ...] = ()
    asked: dict[str, Line] = field(default_factory=dict)
    up: bool = False
    over: bool = False


class Subscriber:
    """One connection of the bridge, made when the first wanted track is here."""

    def __init__(self, peer: PeerRef, room: Room, deadline: float) -> None:
        self._peer = peer
        self._room = room
        self._bridge = room.bridge
        self._serial = Serial(deadline)
        self._wanted: dict[TrackId, Subscription] = {}
        self._connection: _Connection | None = None
        self._pending: SubscriberOffered | None = None
        self._negotiation = 0
        self._answered: int | None = None
        self._restart = False
        self._closed = False

    @property
    def status(self) -> ConnectionStatus:
        return ConnectionStatus(
            negotiation=self._negotiation,
            pending=self._pending is not None,
            connected=self._connection is not None and self._connection.up,
        )

    @property
    def lines(self) -> tuple[Line, ...]:
        return self._connection.lines if self._connection is not None else ()

    @property
    def idle(self) -> bool:
        """Nobody has asked this connection for anything."""
        return not self._wanted and self._connection is None

    async def subscribe(self, wanted: Sequence[Subscription]) -> None:
        await self._serial.run(lambda: self._want({entry.track: entry for entry in wanted}))

    async def answer(self, negotiation: int, sdp: str) -> None:
        await self._serial.run(lambda: self._answer(negotiation, sdp))

    async def restart(self) -> None:
        self._restart = True
        await self._serial.run(self._reconcile)

    def repeat_offer(self) -> None:
        """Tell a new owner the offer that its predecessor may not have passed on."""
        if self._pending is not None:
            self._room.emit(self._pending)

    def tracks_changed(self, track: TrackId) -> None:
        """A track of the room came or went."""
        if track in self._wanted and not self._closed:
            self._serial.start(self._reconcile_alone)

    def close(self) -> Awaitable[None]:
        """End the media: somebody who was removed would go on watching. Begins at once, is done when awaited."""
        self._closed = True
        return self._serial.wait(self._serial.start(self._hang_up))

    async def _want(self, wanted: dict[TrackId, Subscription]) -> None:
        self._check_open()
        self._wanted = wanted
        await self._reconcile()

    async def _reconcile_alone(self) -> None:
        try:
            await self._reconcile()
        except RoomNotFound:
            return  # the room is being closed, which is told by itself
        except MediaError as error:
            log.warning("mediasoup_subscriber_not_reconciled", error=error.code)

    async def _reconcile(self) -> None:
        """Ask for what is missing. While an offer waits only layers and pauses: its answer comes back here."""
        if self._closed:
            return
        await self._adjust()
        if self._pending is None:
            await self._ask_for_offer()
            await self._adjust()  # what is new and wanted paused does not begin to flow with the answer

    async def _adjust(self) -> None:
        """Layers and pauses, which need no offer."""
        here, todo = self._connection, changes(self.lines, self._wanted, self._room.current)
        layers, pauses = dict(todo.layers), dict(todo.pauses)
        if here is None or not (layers or pauses):
            return
        adjusted = tuple(
            replace(line, layer=layers.get(line.mid, line.layer), paused=pauses.get(line.mid, line.paused))
            for line in here.lines
        )
        told = [
            {"mid": line.mid, "layer": line.layer, "paused": line.paused}
            for line in adjusted
            if line.mid in layers or line.mid in pauses
        ]
        await self._bridge.request("adjust", room=self._room.id, connection=here.name, lines=told)
        here.lines = adjusted
        here.asked |= {line.source.feed: line for line in adjusted}

    async def _ask_for_offer(self) -> None:
        restart, here = self._restart, self._connection
        if here is not None and here.over:
            if not restart:
                return
            here = self._connection = None  # the client's next RTCPeerConnection is another one here too
        todo = changes(self.lines, self._wanted, self._room.current)
        if here is None:
            self._restart = False
            if not todo.subscribe:
                return
            here = self._connection = _Connection(self._bridge.new_name("subscriber"))
            self._bridge.listen(here.name, self._on_event)
        elif not (todo.offers or restart):
            return
        await self._ask(here, todo, restart=self._restart)

    async def _ask(self, here: _Connection, todo: Changes, *, restart: bool) -> None:
        here.asked |= {source.feed: Line("", source, layer) for source, layer in todo.subscribe}
        offered = await self._bridge.ask(
            Offered,
            "offer",
            room=self._room.id,
            connection=here.name,
            add=[{"producer": source.feed, "layer": layer} for source, layer in todo.subscribe],
            remove=todo.unsubscribe,
            restart=restart,
        )
        self._restart = False
        here.lines = tuple(replace(here.asked[flow.producer], mid=flow.mid) for flow in offered.lines)
        here.asked = {line.source.feed: line for line in here.lines}
        if "\nm=" in offered.sdp and not self._closed and not here.over:  # without: what was wanted went meanwhile
            self._offer(here, offered.sdp)

    def _offer(self, here: _Connection, sdp: str) -> None:
        self._negotiation += 1
        self._pending = SubscriberOffered(
            peer=self._peer,
            negotiation=self._negotiation,
            sdp=sdp,
            tracks=tuple(SubscribedTrack(mid=line.mid, track=line.source.track.id) for line in here.lines),
        )
        self._room.emit(self._pending)

    async def _answer(self, negotiation: int, sdp: str) -> None:
        self._check_open()
        pending, here = self._pending, self._connection
        if pending is None or here is None or negotiation != pending.negotiation:
            if negotiation == self._answered:
                return
            raise StaleNegotiation(f"No offer with the negotiation {negotiation} waits for an answer.")
        check_answer(sdp, pending.sdp)
        await self._bridge.request("answer", room=self._room.id, connection=here.name, sdp=sdp)
        self._answered = negotiation
        self._pending = None
        self._serial.start(self._reconcile_alone)

    async def _hang_up(self) -> None:
        here, self._connection, self._pending = self._connection, None, None
        if here is not None:
            self._bridge.forget(here.name)
            await close_connection(self._room, here.name)

    def _check_open(self) -> None:
        if self._closed:
            raise PeerNotFound("The participant is not on this node any more.")

    def _on_event(self, event: BridgeEvent) -> None:
        here = self._connection
        if here is None or self._closed:
            return
        match event:
            case Connected():
                self._change(here, up=True)
            case ConnectionClosed(reason=reason):
                self._over(here, reason)

    def _over(self, here: _Connection, reason: str) -> None:
        """The bridge has closed the connection. `restart` makes a new one, and the client a new RTCPeerConnection."""
        log.info("mediasoup_subscriber_over", reason=reason)
        self._bridge.forget(here.name)
        here.over = True
        here.lines = ()
        self._pending = None
        self._change(here, up=False)

    def _change(self, here: _Connection, *, up: bool) -> None:
        if here.up != up:
            here.up = up
            self._room.emit(ConnectionChanged(peer=self._peer, pc=PeerConnectionRole.SUBSCRIBER, connected=up))
