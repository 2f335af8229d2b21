"""The media contract on Janus's VideoRoom."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog

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
    Unsupported,
)
from media_adapters.events import MediaEvent, PeerClosed, RoomClosed, SfuDied
from media_adapters.janus.client import Handle, JanusClient, JanusError
from media_adapters.janus.peer import Peer
from media_adapters.janus.refusals import NO_SUCH_ROOM, ROOM_EXISTS, translated
from media_adapters.janus.room import Room
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

MAX_PUBLISHERS = 10_000
"""Who may publish is decided above; Janus's own limit (3 unless told) must never be the one that bites."""

log = structlog.get_logger()


class JanusNode:
    """Implements `media_adapters.contract.MediaNode`. `deadline`: how long a call may take, in seconds."""

    def __init__(
        self,
        client: JanusClient,
        control: Handle,
        *,
        admin_key: str,
        description: NodeDescription,
        pids: Callable[[], Sequence[int]],
        deadline: float,
    ) -> None:
        self._client = client
        self._control = control
        self._admin_key = admin_key
        self._description = description
        self._pids = pids
        self._processor = Processor()
        self._processor.share(pids())  # from here on
        self._deadline = deadline
        self._rooms: dict[RoomRef, Room] = {}
        self._peers: dict[PeerRef, Peer] = {}
        self._gates = Serial(deadline)
        self._events = EventStream()
        self._events.end()
        client.on_gone = self._end_events

    async def describe(self) -> NodeDescription:
        self._check_alive()
        return self._description

    async def load(self) -> NodeLoad:
        self._check_alive()
        return NodeLoad(
            rooms=len(self._rooms),
            peers=len(self._peers),
            streams=sum(peer.streams for peer in self._peers.values()),
            cpu=self._processor.share(self._pids()),
        )

    def events(self) -> AsyncIterator[MediaEvent]:
        self._events.end()
        self._events = EventStream()
        if self._client.gone is not None:
            self._end_events(self._client.gone)
        return self._events

    async def open_room(self, room: RoomRef, spec: RoomSpec) -> None:
        self._check_alive()
        await self._gates.run(partial(self._open_room, room, spec))

    async def close_room(self, room: RoomRef) -> None:
        self._check_alive()
        await self._gates.run(partial(self._close_room, room, "closed"))

    async def publish(self, peer: PeerRef, offer: PublisherOffer) -> PublisherAnswer:
        here = self._peer_or_new(peer)
        try:
            return await here.publisher.publish(offer)
        except (InvalidDescription, NodeBusy, RoomNotFound):
            if here.idle:
                await self.close_peer(peer)
            raise

    async def subscribe(self, peer: PeerRef, wanted: Sequence[Subscription]) -> None:
        await self._peer_or_new(peer).subscriber.subscribe(wanted)

    async def answer(self, peer: PeerRef, negotiation: int, sdp: str) -> None:
        await self._peer(peer).subscriber.answer(negotiation, sdp)

    async def play(self, peer: PeerRef, offer: PlayerOffer, wanted: Sequence[Subscription]) -> PlayerAnswer:  # noqa: ARG002
        """VideoRoom answers publishers only: to who subscribes it offers."""
        raise Unsupported("Playing is not supported by this room's media server.")

    async def add_candidate(self, peer: PeerRef, pc: PeerConnectionRole, candidate: IceCandidate | None) -> None:
        await self._peer(peer).add_candidate(pc, candidate)

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
        """Close every room, as far as Janus still answers; the session is dropped with the client."""
        with suppress(MediaError):
            await asyncio.gather(*(self.close_room(room) for room in tuple(self._rooms)))
        self._events.end()

    async def _open_room(self, ref: RoomRef, spec: RoomSpec) -> None:
        if ref in self._rooms:
            return
        room = Room(ref, self._emit, partial(self._on_room_destroyed, ref), self._admin_key)
        with translated():
            try:
                await self._control.message(_create(room.id, spec, self._admin_key))
            except JanusError as error:
                if error.code != ROOM_EXISTS:  # rooms outlive the session that made them
                    raise
        self._rooms[ref] = room

    async def _close_room(self, ref: RoomRef, reason: str) -> None:
        room = self._rooms.pop(ref, None)
        if room is None:
            return
        room.members.clear()  # nobody is offered anything while everybody leaves
        leaving = [self._lose_peer(peer, reason) for peer in tuple(self._peers) if peer.room == ref]
        await asyncio.gather(*leaving, return_exceptions=True)  # who is late leaves with the room
        with translated():
            try:
                await self._control.message({"request": "destroy", "room": room.id})
            except JanusError as error:
                if error.code != NO_SUCH_ROOM:
                    raise
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

    def _forget(self, ref: PeerRef) -> Peer | None:
        peer = self._peers.pop(ref, None)
        if (room := self._rooms.get(ref.room)) is not None:
            room.members.pop(ref, None)
        return peer

    def _peer_or_new(self, ref: PeerRef) -> Peer:
        room = self._room(ref.room)
        if ref not in self._peers:
            peer = Peer(ref, room, self._client, self._deadline, partial(self._on_peer_lost, ref))
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
        if self._client.gone is not None:
            raise NodeGone(f"Janus is gone: {self._client.gone}")

    def _emit(self, event: MediaEvent) -> None:
        self._events.put(event)

    def _on_peer_lost(self, ref: PeerRef, reason: str) -> None:
        self._gates.start(partial(self._clear_up, partial(self._lose_peer, ref, reason)))

    def _on_room_destroyed(self, ref: RoomRef, reason: str) -> None:
        self._gates.start(partial(self._clear_up, partial(self._close_room, ref, reason)))

    async def _clear_up(self, what: Callable[[], Awaitable[None]]) -> None:
        try:
            await what()
        except MediaError as error:
            log.warning("janus_clear_up_failed", error=error.code)

    def _end_events(self, reason: str) -> None:
        self._events.put(SfuDied(reason=reason))
        self._events.end()


def _create(room_id: str, spec: RoomSpec, admin_key: str) -> dict[str, Any]:
    return {
        "request": "create",
        "room": room_id,
        "admin_key": admin_key,
        "is_private": True,
        "publishers": MAX_PUBLISHERS,
        "bitrate": spec.max_bitrate,
        "audiocodec": ",".join(spec.audio_codecs).lower(),
        "videocodec": ",".join(spec.video_codecs).lower(),
    }
