"""A participant's publisher: it offers, Janus answers, and its tracks become sources of the room."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from media_adapters.common.plan import Source, goes_on
from media_adapters.common.sdp import check_offer
from media_adapters.common.serial import Serial
from media_adapters.errors import InvalidDescription, MediaError, PeerNotFound, StaleNegotiation, TrackNotFound
from media_adapters.events import ConnectionChanged
from media_adapters.janus.client import Handle, JanusClient, JanusError, PluginReply
from media_adapters.janus.refusals import translated
from media_adapters.janus.room import Room
from media_adapters.janus.taps import Feed, Taps
from media_adapters.janus.transactions import Message
from media_adapters.models import (
    ConnectionStatus,
    Mid,
    PeerConnectionRole,
    PeerRef,
    PublishedTrack,
    PublisherAnswer,
    PublisherOffer,
    Tap,
    TapId,
    TapTarget,
    TrackId,
    TrackKind,
)

log = structlog.get_logger()


@dataclass
class _Connection:
    """What ends with a hangup."""

    up: bool = False
    receiving: set[tuple[Mid, int]] = field(default_factory=set)
    """By m-section and simulcast layer: Janus tells of each layer by itself."""
    tracks: dict[TrackId, PublishedTrack] = field(default_factory=dict)
    sources: dict[TrackId, Source] = field(default_factory=dict)
    silenced: set[Mid] = field(default_factory=set)
    taps: Taps = field(default_factory=Taps)


class Publisher:
    """One VideoRoom publisher handle, attached with the first offer."""

    def __init__(
        self, peer: PeerRef, room: Room, client: JanusClient, deadline: float, on_lost: Callable[[str], None]
    ) -> None:
        self._peer = peer
        self._on_lost = on_lost
        self._room = room
        self._client = client
        self._serial = Serial(deadline)
        self._handle: Handle | None = None
        self._feed = ""
        self._negotiation = 0
        self._answer: PublisherAnswer | None = None
        self._media = _Connection()
        self._muted: set[TrackId] = set()
        self._closed = False

    @property
    def status(self) -> ConnectionStatus:
        return ConnectionStatus(
            negotiation=self._negotiation, connected=self._media.up, receiving=bool(self._media.receiving)
        )

    @property
    def tracks(self) -> tuple[PublishedTrack, ...]:
        """What can be subscribed to now."""
        return tuple(source.track for source in self._media.sources.values())

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

    async def trickle(self, candidate: Mapping[str, object]) -> None:
        await self._serial.run(lambda: self._trickle(candidate))

    def close(self) -> Awaitable[None]:
        """End the media and every track. Begins at once, and is done when awaited; offers still waiting fail."""
        self._closed = True
        self._end_tracks()
        return self._serial.wait(self._serial.start(self._detach))

    async def _publish(self, offer: PublisherOffer) -> PublisherAnswer:
        if self._answer is not None and self._handle is not None and offer.negotiation == self._negotiation:
            await self._align(self._handle)  # in case that this is what failed before
            return self._answer
        if offer.negotiation < self._negotiation:
            raise StaleNegotiation(f"Negotiation {offer.negotiation} is over, {self._negotiation} is the latest.")
        with translated():
            handle = await self._joined()
            reply = await handle.message({"request": "configure"}, {"type": "offer", "sdp": offer.sdp})
        self._negotiation = offer.negotiation
        self._answer = answer = PublisherAnswer(negotiation=offer.negotiation, sdp=reply.sdp or "")
        self._accept(offer.tracks, reply)
        await self._align(handle)
        return answer

    async def _joined(self) -> Handle:
        self._check_open()
        if self._handle is None:
            handle = await self._client.attach(self._on_event)
            feed = self._room.new_feed(self._peer)
            try:
                await handle.message({"request": "join", "ptype": "publisher", "room": self._room.id, "id": feed})
            except (JanusError, MediaError):
                await handle.detach()
                raise
            self._handle, self._feed = handle, feed
        return self._handle

    def _accept(self, offered: tuple[PublishedTrack, ...], reply: PluginReply) -> None:
        """Janus answers an m-section that has no codec of the room, or is inactive, as disabled."""
        live = {stream["mid"] for stream in reply.data.get("streams", ()) if not stream.get("disabled")}
        self._media.tracks = {track.id: track for track in offered if track.mid in live}
        self._muted &= {track.id for track in offered}
        self._change(up=self._media.up, receiving={layer for layer in self._media.receiving if layer[0] in live})
        self._align_sources()

    def _align_sources(self) -> None:
        """Stop what is offered no more and start what Janus lets others subscribe to, once media is up."""
        tracks = self._media.tracks if self._media.up and not self._closed else {}
        for track_id, source in tuple(self._media.sources.items()):
            if not goes_on(source.track, tracks.get(track_id)):
                del self._media.sources[track_id]
                self._room.stop(source)
        for track_id, track in tracks.items():
            if track_id not in self._media.sources:
                self._media.sources[track_id] = self._room.start(self._peer, track, self._feed)

    async def _mute(self, track_id: TrackId, *, muted: bool) -> None:
        handle, _ = self._published(track_id)
        (self._muted.add if muted else self._muted.discard)(track_id)
        await self._align_mutes(handle)

    async def _tap(self, track_id: TrackId, to: TapTarget) -> Tap:
        handle, track = self._published(track_id)
        answer = self._answer.sdp if self._answer is not None else ""
        return await self._media.taps.start(self._as_feed(handle), track, to, answer)

    async def _untap(self, tap: TapId) -> None:
        if self._handle is not None:
            await self._media.taps.stop(self._as_feed(self._handle), tap)

    async def _request_key_frame(self, track_id: TrackId) -> None:
        handle, track = self._published(track_id)
        if track.kind is TrackKind.VIDEO:
            with translated():
                await handle.message({"request": "configure", "streams": [{"mid": track.mid, "keyframe": True}]})

    def _published(self, track_id: TrackId) -> tuple[Handle, PublishedTrack]:
        self._check_open()
        if self._handle is None or track_id not in self._media.tracks:
            raise TrackNotFound("The participant does not publish this track.")
        return self._handle, self._media.tracks[track_id]

    def _as_feed(self, handle: Handle) -> Feed:
        return Feed(handle, self._room.id, self._feed, self._room.admin_key)

    async def _align(self, handle: Handle) -> None:
        """Bring what Janus keeps by m-section to the tracks that are there now."""
        await self._align_mutes(handle)
        await self._media.taps.stop_all_but(self._as_feed(handle), self._media.tracks)

    async def _align_mutes(self, handle: Handle) -> None:
        """A mute sticks to the m-section in Janus: it must leave when a new track takes the section over."""
        for track in tuple(self._media.tracks.values()):
            silence = track.id in self._muted
            if silence != (track.mid in self._media.silenced):
                which = {"room": self._room.id, "id": self._feed, "mid": track.mid}
                with translated():
                    await handle.message({"request": "moderate", **which, "mute": silence})
                (self._media.silenced.add if silence else self._media.silenced.discard)(track.mid)

    async def _trickle(self, candidate: Mapping[str, object]) -> None:
        self._check_open()
        if self._handle is not None:
            with translated():
                await self._handle.trickle(candidate)

    async def _detach(self) -> None:
        if self._handle is not None:
            handle, self._handle = self._handle, None
            await handle.detach()

    def _check_open(self) -> None:
        if self._closed:
            raise PeerNotFound("The participant is not on this node any more.")

    def _on_event(self, message: Message) -> None:
        if self._closed:
            return
        match message.get("janus"):
            case "webrtcup":
                self._change(up=True, receiving=self._media.receiving)
                self._align_sources()
            case "media":
                layer = {(message["mid"], message.get("substream", 0))}
                receiving = self._media.receiving | layer if message["receiving"] else self._media.receiving - layer
                self._change(up=self._media.up, receiving=receiving)
            case "hangup":
                self._hung_up(message.get("reason", ""))
            case "detached":
                self._on_lost("detached")
            case "event":
                self._on_plugin_event(PluginReply.of(message).data)

    def _on_plugin_event(self, data: Mapping[str, Any]) -> None:
        """What others publish is news too, but not to us: all of ours go through this adapter."""
        if data.get("videoroom") == "destroyed":
            self._room.on_destroyed("destroyed")
        elif data.get("leaving") == "ok":
            self._on_lost(data.get("reason", "left"))

    def _hung_up(self, reason: str) -> None:
        """Janus ended the media and forgot the streams; a new offer on the same handle starts over."""
        log.info("janus_publisher_hung_up", reason=reason)
        self._answer = None
        self._change(up=False, receiving=set())
        self._end_tracks()
        self._media = _Connection()

    def _end_tracks(self) -> None:
        self._media.tracks = {}
        self._align_sources()

    def _change(self, *, up: bool, receiving: set[tuple[Mid, int]]) -> None:
        before = self.status
        self._media.up, self._media.receiving = up, receiving
        after = self.status
        if after != before:
            self._room.emit(
                ConnectionChanged(
                    peer=self._peer,
                    pc=PeerConnectionRole.PUBLISHER,
                    connected=after.connected,
                    receiving=after.receiving,
                )
            )
