"""The media contract on mediasoup, through the bridge."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog

from media_adapters.common.candidates import check_candidate
from media_adapters.common.processor import Processor
from media_adapters.common.serial import Serial
from media_adapters.common.stream import EventStream
from media_adapters.errors import (
    InvalidDescription,
    MediaError,
    NodeBusy,
    NodeGone,
    PeerNotFound,
    RoomNotFound,
    TrackNotFound,
)
from media_adapters.events import MediaEvent, PeerClosed, RoomClosed, SfuDied
from media_adapters.mediasoup import protocol
from media_adapters.mediasoup.bridge_client import BridgeClient
from media_adapters.mediasoup.peer import Peer
from media_adapters.mediasoup.room import Room
from media_adapters.models import (
    IceCandidate,
    NodeDescription,
    NodeLoad,
    PeerConnectionRole,
    PeerRef,
    PeerStatus,
    PlayerAnswer,
    PlayerOffer,
    PublisherAnswer,
    PublisherOffer,
    RoomRef,
    RoomSpec,
    Subscription,
    Tap,
    TapId,
    TapTarget,
    TrackId,
)

log = structlog.get_logger()


class MediasoupNode:
    """Implements `media_adapters.contract.MediaNode`. `deadline`: how long a call may take, in seconds."""

    def __init__(self, bridge: BridgeClient, *, description: NodeDescription, deadline: float) -> None:
        self._bridge = bridge
        self._description = description
        self._deadline = deadline
        self._processor = Processor()
        self._rooms: dict[RoomRef, Room] = {}
        self._peers: dict[PeerRef, Peer] = {}
        self._gates = Serial(deadline)
        self._events = EventStream()
        self._events.end()
        bridge.on_gone = self._end_events

    async def describe(self) -> NodeDescription:
        self._check_alive()
        return self._description

    async def load(self) -> NodeLoad:
        pids = (await self._bridge.ask(protocol.Load, "load")).pids
        return NodeLoad(
            rooms=len(self._rooms),
            peers=len(self._peers),
            streams=sum(peer.streams for peer in self._peers.values()),
            cpu=self._processor.share(pids),
        )

    def events(self) -> AsyncIterator[MediaEvent]:
        self._events.end()
        self._events = EventStream()
        if self._bridge.gone is not None:
            self._end_events(self._bridge.gone)
        return self._events

    async def open_room(self, room: RoomRef, spec: RoomSpec) -> None:
        self._check_alive()
        await self._gates.run(partial(self._open_room, room, spec))

    async def close_room(self, room: RoomRef) -> None:
        self._check_alive()
        await self._gates.run(partial(self._close_room, room, "closed"))

    async def publish(self, peer: PeerRef, offer: PublisherOffer) -> PublisherAnswer:
        here = self._peer_or_new(peer)
        async with self._leaving_none(here):
            return await here.publisher.publish(offer)

    async def subscribe(self, peer: PeerRef, wanted: Sequence[Subscription]) -> None:
        here = self._peer_or_new(peer)
        if not here.player.idle:
            raise InvalidDescription("This participant plays: what it gets was decided with its offer.")
        await here.subscriber.subscribe(wanted)

    async def play(self, peer: PeerRef, offer: PlayerOffer, wanted: Sequence[Subscription]) -> PlayerAnswer:
        here = self._peer_or_new(peer)
        if not here.subscriber.idle:
            raise InvalidDescription("This participant subscribes: it is offered what it gets.")
        async with self._leaving_none(here):
            return await here.player.play(offer, wanted)

    async def answer(self, peer: PeerRef, negotiation: int, sdp: str) -> None:
        await self._peer(peer).subscriber.answer(negotiation, sdp)

    async def add_candidate(self, peer: PeerRef, pc: PeerConnectionRole, candidate: IceCandidate | None) -> None:  # noqa: ARG002
        """mediasoup is ICE-lite: it answers whoever asks with its password, wherever from (RFC 8445 §2.5)."""
        self._peer(peer)
        check_candidate(candidate)

    async def restart_ice(self, peer: PeerRef) -> None:
        await self._peer(peer).subscriber.restart()

    async def mute_track(self, peer: PeerRef, track: TrackId, muted: bool) -> None:
        await self._peer(peer).publisher.mute(track, muted=muted)

    async def tap(self, peer: PeerRef, track: TrackId, to: TapTarget) -> Tap:
        return await self._peer(peer).publisher.tap(track, to)

    async def untap(self, peer: PeerRef, tap: TapId) -> None:
        self._check_alive()
        if peer in self._peers:
            await self._peers[peer].publisher.untap(tap)

    async def request_key_frame(self, peer: PeerRef, track: TrackId) -> None:
        await self._peer(peer).publisher.request_key_frame(track)

    async def adopt(self, peer: PeerRef) -> PeerStatus:
        here = self._peer(peer)
        here.subscriber.repeat_offer()
        return here.status

    async def peers(self, room: RoomRef) -> Sequence[PeerStatus]:
        self._room(room)
        return [peer.status for ref, peer in self._peers.items() if ref.room == room]

    async def close_peer(self, peer: PeerRef) -> None:
        self._check_alive()
        here = self._forget(peer)
        if here is not None:
            await here.close()

    async def close(self) -> None:
        """Close every room, as far as the bridge still answers; what it misses goes with the connection."""
        with suppress(MediaError):
            await asyncio.gather(*(self.close_room(room) for room in tuple(self._rooms)))
        self._events.end()

    async def _open_room(self, ref: RoomRef, spec: RoomSpec) -> None:
        if ref in self._rooms:
            return
        room = Room(ref, self._emit, self._bridge)
        self._bridge.listen(room.id, partial(self._on_room_closed, ref))
        try:
            await self._bridge.request("open_room", room=room.id, **spec.model_dump(mode="json"))
        except NodeBusy:
            self._bridge.forget(room.id)
            raise
        self._rooms[ref] = room

    async def _close_room(self, ref: RoomRef, reason: str) -> None:
        room = self._rooms.get(ref)
        if room is None:
            return
        await self._bridge.request("close_room", room=room.id)
        self._bridge.forget(room.id)
        del self._rooms[ref]
        room.members.clear()  # nobody is offered anything while everybody leaves
        leaving = [self._lose_peer(peer, reason) for peer in tuple(self._peers) if peer.room == ref]
        await asyncio.gather(*leaving, return_exceptions=True)  # their media ended with the room
        self._emit(RoomClosed(room=ref, reason=reason))

    async def _lose_peer(self, ref: PeerRef, reason: str) -> None:
        """The peer goes without its owner having asked for it."""
        peer = self._forget(ref)
        if peer is None:
            return
        try:
            await peer.close()
        finally:
            self._emit(PeerClosed(peer=ref, reason=reason))

    @asynccontextmanager
    async def _leaving_none(self, peer: Peer) -> AsyncIterator[None]:
        """A peer whose first offer is refused was none."""
        try:
            yield
        except (InvalidDescription, NodeBusy, RoomNotFound, TrackNotFound):
            if peer.idle:
                await self.close_peer(peer.ref)
            raise

    def _forget(self, ref: PeerRef) -> Peer | None:
        peer = self._peers.pop(ref, None)
        if (room := self._rooms.get(ref.room)) is not None:
            room.members.pop(ref, None)
        return peer

    def _peer_or_new(self, ref: PeerRef) -> Peer:
        room = self._room(ref.room)
        if ref not in self._peers:
            peer = Peer(ref, room, self._deadline)
            self._peers[ref] = room.members[ref] = peer
        return self._peers[ref]

    def _peer(self, ref: PeerRef) -> Peer:
        self._check_alive()
        if ref not in self._peers:
            raise PeerNotFound("The participant is not on this node.")
        return self._peers[ref]

    def _room(self, ref: RoomRef) -> Room:
        self._check_alive()
        if ref not in self._rooms:
            raise RoomNotFound("The room is not on this node.")
        return self._rooms[ref]

    def _check_alive(self) -> None:
        if self._bridge.gone is not None:
            raise NodeGone(f"mediasoup's bridge is gone: {self._bridge.gone}")

    def _emit(self, event: MediaEvent) -> None:
        self._events.put(event)

    def _on_room_closed(self, ref: RoomRef, event: protocol.BridgeEvent) -> None:
        if isinstance(event, protocol.RoomClosed):
            self._gates.start(partial(self._clear_up, ref, event.reason))

    async def _clear_up(self, ref: RoomRef, reason: str) -> None:
        try:
            await self._close_room(ref, reason)
        except MediaError as error:
            log.warning("mediasoup_clear_up_failed", error=error.code)

    def _end_events(self, reason: str) -> None:
        self._events.put(SfuDied(reason=reason))
        self._events.end()
