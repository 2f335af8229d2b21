"""A participant's publisher: it offers, mediasoup answers, and its tracks become sources of the room."""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field

import structlog

from media_adapters.common.plan import Source, goes_on
from media_adapters.common.sdp import check_offer
from media_adapters.common.serial import Serial
from media_adapters.errors import InvalidDescription, MediaError, PeerNotFound, StaleNegotiation, TrackNotFound
from media_adapters.events import ConnectionChanged
from media_adapters.mediasoup.protocol import BridgeEvent, Connected, ConnectionClosed, Published, Receiving, Tapped
from media_adapters.mediasoup.room import Room
from media_adapters.models import (
    ConnectionStatus,
    PeerConnectionRole,
    PeerRef,
    PublishedTrack,
    PublisherAnswer,
    PublisherOffer,
    Tap,
    TapId,
    TapTarget,
    TrackId,
)

log = structlog.get_logger()


@dataclass(frozen=True)
class _Live:
    """A track and the producer that carries it."""

    track: PublishedTrack
    producer: str


@dataclass(eq=False)
class _Connection:
    """What ends when the connection is over. `name` is the bridge's for it."""

    name: str
    up: bool = False
    receiving: bool = False
    tracks: dict[TrackId, _Live] = field(default_factory=dict)
    sources: dict[TrackId, Source] = field(default_factory=dict)
    taps: dict[TapId, Tap] = field(default_factory=dict)


class Publisher:
    """One connection of the bridge, made with the first offer, and again with the next one after it was over."""

    def __init__(self, peer: PeerRef, room: Room, deadline: float) -> None:
        self._peer = peer
        self._room = room
        self._bridge = room.bridge
        self._serial = Serial(deadline)
        self._connection: _Connection | None = None
        self._negotiation = 0
        self._answer: PublisherAnswer | None = None
        self._muted: set[TrackId] = set()
        self._closed = False

    @property
    def status(self) -> ConnectionStatus:
        here = self._connection
        return ConnectionStatus(
            negotiation=self._negotiation,
            connected=here is not None and here.up,
            receiving=here is not None and here.receiving,
        )

    @property
    def tracks(self) -> tuple[PublishedTrack, ...]:
        """What can be subscribed to now."""
        return tuple(source.track for source in self._connection.sources.values()) if self._connection else ()

    @property
    def taps(self) -> int:
        return len(self._connection.taps) if self._connection else 0

    @property
    def muted(self) -> frozenset[TrackId]:
        return frozenset(self._muted)

    @property
    def idle(self) -> bool:
        """No offer was taken yet."""
        return self._negotiation == 0

    async def publish(self, offer: PublisherOffer) -> PublisherAnswer:
        check_offer(offer)
        return await self._serial.run(lambda: self._publish(offer))

    async def mute(self, track: TrackId, *, muted: bool) -> None:
        await self._serial.run(lambda: self._mute(track, muted=muted))

    async def tap(self, track: TrackId, to: TapTarget) -> Tap:
        if not to.local:
            raise InvalidDescription("A tap ends on this node: 127.0.0.1 or ::1.")
        return await self._serial.run(lambda: self._tap(track, to))

    async def untap(self, tap: TapId) -> None:
        await self._serial.run(lambda: self._untap(tap))

    async def request_key_frame(self, track: TrackId) -> None:
        await self._serial.run(lambda: self._request_key_frame(track))

    def close(self) -> Awaitable[None]:
        """End the media and every track. Begins at once, and is done when awaited; offers still waiting fail."""
        self._closed = True
        self._end_tracks()
        return self._serial.wait(self._serial.start(self._hang_up))

    async def _publish(self, offer: PublisherOffer) -> PublisherAnswer:
        self._check_open()
        if self._answer is not None and offer.negotiation == self._negotiation:
            return self._answer
        if offer.negotiation < self._negotiation:
            raise StaleNegotiation(f"Negotiation {offer.negotiation} is over, {self._negotiation} is the latest.")
        if self._connection is None:
            self._connection = _Connection(self._bridge.new_name("publisher"))
            self._bridge.listen(self._connection.name, self._on_event)
        here = self._connection
        offered = [self._as_live(here, track) for track in offer.tracks]
        answer = await self._bridge.ask(
            Published, "publish", room=self._room.id, connection=here.name, sdp=offer.sdp, tracks=self._told(offered)
        )
        self._negotiation = offer.negotiation
        self._answer = PublisherAnswer(negotiation=offer.negotiation, sdp=answer.sdp)
        self._muted &= {track.id for track in offer.tracks}
        here.tracks = {live.track.id: live for live in offered if live.track.mid in answer.live}
        self._align_sources(here)
        return self._answer

    def _as_live(self, here: _Connection, track: PublishedTrack) -> _Live:
        before = here.tracks.get(track.id)
        if before is not None and goes_on(before.track, track):
            return _Live(track, before.producer)
        return _Live(track, self._bridge.new_name("producer"))

    def _told(self, offered: Iterable[_Live]) -> list[dict[str, object]]:
        return [
            {
                "mid": live.track.mid,
                "producer": live.producer,
                "layered": live.track.simulcast,
                "muted": live.track.id in self._muted,
            }
            for live in offered
        ]

    def _align_sources(self, here: _Connection) -> None:
        """Stop what is offered no more and start what others can subscribe to, once the connection is up."""
        tracks = here.tracks if here.up and here is self._connection and not self._closed else {}
        for track_id, source in tuple(here.sources.items()):
            live = tracks.get(track_id)
            if live is None or live.producer != source.feed:
                del here.sources[track_id]
                self._room.stop(source)
        for track_id, live in tracks.items():
            if track_id not in here.sources:
                here.sources[track_id] = self._room.start(self._peer, live.track, live.producer)
        here.taps = {tap.id: tap for tap in here.taps.values() if tap.track in here.tracks}

    async def _mute(self, track: TrackId, *, muted: bool) -> None:
        _, live = self._published(track)
        (self._muted.add if muted else self._muted.discard)(track)
        await self._bridge.request("mute", room=self._room.id, producer=live.producer, muted=muted)

    async def _tap(self, track: TrackId, to: TapTarget) -> Tap:
        here, live = self._published(track)
        for running in here.taps.values():
            if (running.track, running.target) == (track, to):
                return running
        asked = {"producer": live.producer, **to.model_dump()}
        tapped = await self._bridge.ask(Tapped, "tap", room=self._room.id, **asked)
        tap = Tap.of(TapId(tapped.tap), live.track, tapped.codec, to)
        here.taps[tap.id] = tap
        return tap

    async def _untap(self, tap: TapId) -> None:
        if self._connection is not None and tap in self._connection.taps:
            await self._bridge.request("untap", room=self._room.id, tap=tap)
            self._connection.taps.pop(tap, None)

    async def _request_key_frame(self, track: TrackId) -> None:
        _, live = self._published(track)
        await self._bridge.request("request_key_frame", room=self._room.id, producer=live.producer)

    def _published(self, track: TrackId) -> tuple[_Connection, _Live]:
        self._check_open()
        if self._connection is None or track not in self._connection.tracks:
            raise TrackNotFound("The participant does not publish this track.")
        return self._connection, self._connection.tracks[track]

    async def _hang_up(self) -> None:
        here, self._connection = self._connection, None
        if here is None:
            return
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
                self._change(here, up=True, receiving=here.receiving)
                self._align_sources(here)
            case Receiving(receiving=receiving):
                self._change(here, up=here.up, receiving=receiving)
            case ConnectionClosed(reason=reason):
                self._over(here, reason)

    def _over(self, here: _Connection, reason: str) -> None:
        """The bridge has closed the connection and its producers; a new offer starts over."""
        log.info("mediasoup_publisher_over", reason=reason)
        self._bridge.forget(here.name)
        self._answer = None
        self._change(here, up=False, receiving=False)
        self._end_tracks()
        self._connection = None

    def _end_tracks(self) -> None:
        if self._connection is not None:
            self._connection.tracks = {}
            self._align_sources(self._connection)

    def _change(self, here: _Connection, *, up: bool, receiving: bool) -> None:
        before = self.status
        here.up, here.receiving = up, receiving
        if (after := self.status) != before:
            self._room.emit(
                ConnectionChanged(
                    peer=self._peer,
                    pc=PeerConnectionRole.PUBLISHER,
                    connected=after.connected,
                    receiving=after.receiving,
                )
            )


async def close_connection(room: Room, name: str) -> None:
    """One that is not there (any more) is a no-op, and so is one whose room is gone."""
    try:
        await room.bridge.request("close_connection", room=room.id, connection=name)
    except MediaError as error:
        if error.code != "room_not_found":
            raise
