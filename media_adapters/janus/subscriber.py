"""A participant's subscriber: Janus offers, the client answers, and the wanted tracks flow.

Janus neither refuses a subscription it already has nor sends a second offer while one is unanswered. So requests go
one by one, each is decided from what Janus said it sends, and nothing is asked while an offer waits for its answer:
what changes meanwhile is merged into the offer that follows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from media_adapters.common.plan import Changes, Line, changes
from media_adapters.common.sdp import check_answer
from media_adapters.common.serial import Serial
from media_adapters.errors import MediaError, PeerNotFound, StaleNegotiation
from media_adapters.events import ConnectionChanged, SubscriberOffered
from media_adapters.janus.client import Handle, JanusClient, JanusError, PluginReply
from media_adapters.janus.plan import SUBSTREAM, lines_of, stream, update
from media_adapters.janus.refusals import NO_SUCH_FEED, translated
from media_adapters.janus.room import Room
from media_adapters.janus.transactions import Message
from media_adapters.models import (
    ConnectionStatus,
    Mid,
    PeerConnectionRole,
    PeerRef,
    SimulcastLayer,
    SubscribedTrack,
    Subscription,
    TrackId,
)

log = structlog.get_logger()

_URGES = (0.7, 1.5, 3.0, 6.0)
"""Seconds between requests for a layer that does not come. Janus switches at the layer's next key frame and asks for
one once; a publisher that has just sent one ignores that."""


@dataclass(eq=False)
class _Connection:
    """One life of the peer connection. `asked` is the latest request, `answer` the client's latest that Janus took,
    `relayed` the simulcast layer that Janus said it forwards on each m-section."""

    handle: Handle = field(init=False)
    lines: tuple[Line, ...] = ()
    relayed: dict[Mid, int] = field(default_factory=dict)
    asked: Changes = field(default_factory=Changes)
    up: bool = False
    hung_up: bool = False
    answer: str = ""


class Subscriber:
    """One multistream VideoRoom subscriber handle, attached when the first wanted track is here."""

    def __init__(
        self, peer: PeerRef, room: Room, client: JanusClient, deadline: float, on_lost: Callable[[str], None]
    ) -> None:
        self._peer = peer
        self._on_lost = on_lost
        self._room = room
        self._client = client
        self._serial = Serial(deadline)
        self._wanted: dict[TrackId, Subscription] = {}
        self._connection: _Connection | None = None
        self._pending: SubscriberOffered | None = None
        self._negotiation = 0
        self._answered: int | None = None
        self._restart = False
        self._closed = False
        self._urging: asyncio.Task[None] | None = None

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

    async def trickle(self, candidate: Mapping[str, object]) -> None:
        await self._serial.run(lambda: self._trickle(candidate))

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
        return self._serial.wait(self._serial.start(self._detach))

    async def _want(self, wanted: dict[TrackId, Subscription]) -> None:
        self._check_open()
        self._wanted = wanted
        await self._reconcile()

    async def _reconcile_alone(self) -> None:
        try:
            await self._reconcile()
        except MediaError as error:
            log.warning("janus_subscriber_not_reconciled", error=error.code)

    async def _reconcile(self) -> None:
        """Ask Janus for what is missing. While an offer waits only what needs none: its answer comes back here."""
        if self._closed:
            return
        with translated():
            try:
                await self._configure()
                if self._pending is None:
                    await self._ask_for_offer()
            except JanusError as error:
                # The publisher went while we asked. Its hangup is on its way to us and leads here again.
                if error.code != NO_SUCH_FEED:
                    raise

    async def _configure(self) -> None:
        """Other layers, pausing and going on. Janus asks for a key frame of what goes on."""
        connection = self._connection
        todo = changes(self.lines, self._wanted, self._room.current)
        layers, pauses = dict(todo.layers), dict(todo.pauses)
        if connection is None or not (layers or pauses):
            return
        await _configure_streams(connection, layers, pauses)
        connection.lines = tuple(
            replace(line, layer=layers.get(line.mid, line.layer), paused=pauses.get(line.mid, line.paused))
            for line in connection.lines
        )
        self._urge_soon(connection)

    def _urge_soon(self, connection: _Connection) -> None:
        if self._urging is not None:
            self._urging.cancel()
        self._urging = asyncio.create_task(self._urge(connection))

    async def _urge(self, connection: _Connection) -> None:
        """Ask again for layers that do not come: Janus then asks the publisher for a key frame once more."""
        for delay in _URGES:
            await asyncio.sleep(delay)
            missing = {
                line.mid: line.layer
                for line in connection.lines
                if line.source.track.simulcast
                and line.layer is not None
                and not line.paused
                and connection.relayed.get(line.mid) != SUBSTREAM[line.layer]
            }
            if not missing:
                return
            try:
                await _configure_streams(connection, missing, {})
            except (JanusError, MediaError):
                return  # the connection is on its way out

    async def _ask_for_offer(self) -> None:
        restart, self._restart = self._restart, False
        if restart and self._connection is not None and self._connection.hung_up:
            await self._detach()
        todo = changes(self.lines, self._wanted, self._room.current)
        connection = self._connection
        if connection is None:
            if todo.subscribe:
                await self._join(todo)
        elif connection.hung_up:
            return
        elif restart:
            await self._ask(connection, {"request": "configure", "restart": True}, Changes())
        elif todo.offers:
            await self._ask(connection, update(todo), todo)

    async def _join(self, todo: Changes) -> None:
        """`autoupdate` off: Janus would offer by itself when a publisher leaves, in between our own requests."""
        connection = _Connection()
        connection.handle = handle = await self._client.attach(lambda message: self._on_event(connection, message))
        body = {
            "request": "join",
            "ptype": "subscriber",
            "room": self._room.id,
            "use_msid": True,
            "autoupdate": False,
            "streams": [stream(source, layer) for source, layer in todo.subscribe],
        }
        self._connection = connection
        try:
            await self._ask(connection, body, todo)
        except (JanusError, MediaError):
            self._connection = None
            await handle.detach()
            raise

    async def _ask(self, connection: _Connection, body: Mapping[str, Any], asked: Changes) -> None:
        connection.asked = asked
        reply = await connection.handle.message(body)
        if self._closed or connection.hung_up:
            return
        if reply.sdp is not None:
            self._offer(connection, reply)
        elif reply.data.get("videoroom") == "updating" and self._pending is None:
            await self._free(connection)

    async def _free(self, connection: _Connection) -> None:
        """Janus waits for the answer to an offer that we never saw. The client's present answer frees it (measured on
        1.1.2): Janus then offers anew, as an event of its own."""
        log.warning("janus_subscriber_was_wedged")
        await connection.handle.message({"request": "start"}, {"type": "answer", "sdp": connection.answer})

    def _offer(self, connection: _Connection, reply: PluginReply) -> None:
        if "streams" in reply.data:
            connection.lines = lines_of(reply.data["streams"], connection.lines, connection.asked)
        self._negotiation += 1
        self._pending = SubscriberOffered(
            peer=self._peer,
            negotiation=self._negotiation,
            sdp=reply.sdp or "",
            tracks=tuple(SubscribedTrack(mid=line.mid, track=line.source.track.id) for line in connection.lines),
        )
        self._room.emit(self._pending)

    async def _answer(self, negotiation: int, sdp: str) -> None:
        self._check_open()
        pending, connection = self._pending, self._connection
        if pending is None or connection is None or negotiation != pending.negotiation:
            if negotiation == self._answered:
                return
            raise StaleNegotiation(f"No offer with the negotiation {negotiation} waits for an answer.")
        check_answer(sdp, pending.sdp)
        with translated():
            await connection.handle.message({"request": "start"}, {"type": "answer", "sdp": sdp})
        connection.answer = sdp
        self._urge_soon(connection)
        self._answered = negotiation
        if self._pending is pending:  # Janus may have sent its next offer right behind
            self._pending = None
        self._serial.start(self._reconcile_alone)

    async def _trickle(self, candidate: Mapping[str, object]) -> None:
        self._check_open()
        if self._connection is not None:
            with translated():
                await self._connection.handle.trickle(candidate)

    async def _detach(self) -> None:
        connection, self._connection, self._pending = self._connection, None, None
        if self._urging is not None:
            self._urging.cancel()
        if connection is not None:
            await connection.handle.detach()

    def _check_open(self) -> None:
        if self._closed:
            raise PeerNotFound("The participant is not on this node any more.")

    def _on_event(self, connection: _Connection, message: Message) -> None:
        if connection is not self._connection or self._closed:
            return
        match message.get("janus"):
            case "webrtcup":
                self._change(connection, up=True)
            case "hangup":
                self._hung_up(connection, message.get("reason", ""))
            case "detached":
                self._on_lost("detached")
            case "event" if "jsep" in message:
                self._offer(connection, PluginReply.of(message))
            case "event":
                data = PluginReply.of(message).data
                if "mid" in data and "substream" in data:
                    connection.relayed[data["mid"]] = data["substream"]

    def _hung_up(self, connection: _Connection, reason: str) -> None:
        """Janus ended the media and forgot the subscriptions. The handle can't offer any more: `restart` takes a new
        one, and the client a new RTCPeerConnection, because Janus starts its DTLS over."""
        log.info("janus_subscriber_hung_up", reason=reason)
        connection.hung_up = True
        connection.lines = ()
        self._pending = None
        self._change(connection, up=False)

    def _change(self, connection: _Connection, *, up: bool) -> None:
        if connection.up != up:
            connection.up = up
            self._room.emit(ConnectionChanged(peer=self._peer, pc=PeerConnectionRole.SUBSCRIBER, connected=up))


async def _configure_streams(
    connection: _Connection, layers: Mapping[Mid, SimulcastLayer], pauses: Mapping[Mid, bool]
) -> None:
    """Ask for layers, and for silence or its end. For a layer that flows already Janus only says so."""
    streams: dict[Mid, dict[str, Any]] = {mid: {"mid": mid, "substream": SUBSTREAM[it]} for mid, it in layers.items()}
    for mid, paused in pauses.items():
        streams.setdefault(mid, {"mid": mid})["send"] = not paused
    await connection.handle.message({"request": "configure", "streams": list(streams.values())})
