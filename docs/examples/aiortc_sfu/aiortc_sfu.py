"""aiortc as a media server behind the media contract. It decodes each track and encodes it for every viewer: fit to
learn from, not to carry load. It declares no capability, so it refuses mutes, ICE restarts, taps and simulcast."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NoReturn

import aiortc
from aiortc.contrib.media import MediaBlackhole, MediaRelay
from aiortc.sdp import candidate_from_sdp
from media_adapters import errors, models
from media_adapters.common.candidates import check_candidate
from media_adapters.common.sdp import check_answer, check_offer
from media_adapters.common.serial import Serial
from media_adapters.common.stream import EventStream
from media_adapters.events import ConnectionChanged, SubscriberOffered, TrackStarted, TrackStopped
from media_adapters.models import ConnectionStatus, PeerConnectionRole, PeerRef, RoomRef, TrackId
from media_adapters.registry import BackendSettings, SfuProcess


class AiortcBackend:
    name = "aiortc"

    def prepare(self, settings: BackendSettings) -> SfuProcess:
        """aiortc is a library and runs in the agent: the process that the agent watches only stands for it."""
        return SfuProcess(argv=["sleep", "infinity"])

    @asynccontextmanager
    async def connect(self, settings: BackendSettings) -> AsyncIterator["AiortcNode"]:
        node = AiortcNode()
        yield node
        await node.close()


@dataclass(eq=False)
class Peer:
    ref: PeerRef
    pcs: dict[PeerConnectionRole, aiortc.RTCPeerConnection] = field(default_factory=dict)
    offer: models.PublisherOffer | None = None
    answer: models.PublisherAnswer | None = None
    sent: int = 0
    live: dict[TrackId, tuple[models.PublishedTrack, aiortc.MediaStreamTrack]] = field(default_factory=dict)
    wanted: list[TrackId] = field(default_factory=list)
    lines: dict[TrackId, tuple[aiortc.RTCRtpTransceiver, aiortc.MediaStreamTrack]] = field(default_factory=dict)
    pending: SubscriberOffered | None = None
    negotiation: int = 0
    answered: int | None = None
    turns: Serial = field(default_factory=lambda: Serial(deadline=10.0))

    @property
    def status(self) -> models.PeerStatus:
        sends, sees = (self.up(role) for role in PeerConnectionRole)
        return models.PeerStatus(
            peer=self.ref,
            publisher=ConnectionStatus(negotiation=self.sent, connected=sends, receiving=bool(self.live)),
            subscriber=ConnectionStatus(negotiation=self.negotiation, pending=self.pending is not None, connected=sees),
            tracks=tuple(track for track, _ in self.live.values()),
        )

    def up(self, role: PeerConnectionRole) -> bool:
        return role in self.pcs and self.pcs[role].connectionState == "connected"


class AiortcNode:
    def __init__(self) -> None:
        self._rooms: dict[RoomRef, dict[PeerRef, Peer]] = {}
        self._relay, self._events = MediaRelay(), EventStream()

    async def describe(self) -> models.NodeDescription:
        return models.NodeDescription(backend="aiortc", version=aiortc.__version__, capabilities=frozenset())

    async def load(self) -> models.NodeLoad:
        peers = [peer for room in self._rooms.values() for peer in room.values()]
        streams = sum(len(peer.live) + len(peer.lines) for peer in peers)
        return models.NodeLoad(rooms=len(self._rooms), peers=len(peers), streams=streams)

    def events(self) -> EventStream:
        self._events.end()
        self._events = EventStream()
        return self._events

    async def open_room(self, room: RoomRef, spec: models.RoomSpec) -> None:
        self._rooms.setdefault(room, {})

    async def close_room(self, room: RoomRef) -> None:
        await asyncio.gather(*(self.close_peer(peer) for peer in tuple(self._rooms.get(room, ()))))
        self._rooms.pop(room, None)

    async def publish(self, peer: PeerRef, offer: models.PublisherOffer) -> models.PublisherAnswer:
        room = self._room(peer.room)
        check_offer(offer)
        if any(track.simulcast for track in offer.tracks):
            raise errors.Unsupported("This adapter takes no simulcast.")
        here = room.setdefault(peer, Peer(peer))
        return await here.turns.run(lambda: self._publish(here, offer))

    async def _publish(self, peer: Peer, offer: models.PublisherOffer) -> models.PublisherAnswer:
        if peer.answer and offer.negotiation == peer.sent:
            return peer.answer
        if offer.negotiation < peer.sent:
            raise errors.StaleNegotiation("A later offer was answered already.")
        pc = self._pc(peer, PeerConnectionRole.PUBLISHER)
        try:
            await pc.setRemoteDescription(aiortc.RTCSessionDescription(offer.sdp, "offer"))
            await pc.setLocalDescription(await pc.createAnswer())
        except (ValueError, aiortc.exceptions.OperationError) as error:
            if peer.offer is None and not peer.wanted:
                await self._close(peer)
            raise errors.InvalidDescription("aiortc can't use this offer.") from error
        peer.offer, peer.sent = offer, offer.negotiation
        peer.answer = models.PublisherAnswer(negotiation=offer.negotiation, sdp=pc.localDescription.sdp)
        self._align(peer, offer.tracks if peer.up(PeerConnectionRole.PUBLISHER) else ())
        return peer.answer

    def _align(self, peer: Peer, tracks: Sequence[models.PublishedTrack]) -> None:
        """These can be had now: say so, and offer them to whoever wants them."""
        sections = peer.pcs[PeerConnectionRole.PUBLISHER].getTransceivers() if tracks else []
        sources = {section.mid: section.receiver.track for section in sections}
        before, peer.live = peer.live, {track.id: (track, sources[track.mid]) for track in tracks}
        for track in before.keys() - peer.live.keys():
            self._events.put(TrackStopped(peer=peer.ref, track=track))
        for track in peer.live.keys() - before.keys():
            self._events.put(TrackStarted(peer=peer.ref, track=peer.live[track][0]))
        for other in self._rooms[peer.ref.room].values():
            if not (before.keys() ^ peer.live.keys()).isdisjoint(other.wanted):
                other.turns.start(lambda other=other: self._offer(other))

    async def subscribe(self, peer: PeerRef, wanted: Sequence[models.Subscription]) -> None:
        here = self._room(peer.room).setdefault(peer, Peer(peer))
        here.wanted = [entry.track for entry in wanted]
        await here.turns.run(lambda: self._offer(here))

    async def _offer(self, peer: Peer) -> None:
        """Bring the m-sections to what is wanted and here, unless an offer waits for its answer."""
        room = self._rooms[peer.ref.room] if self._is_here(peer) else {}
        here = {track: media for other in room.values() for track, (_, media) in other.live.items()}
        wanted = {track: here[track] for track in peer.wanted if track in here}
        gone = [track for track, (_, media) in peer.lines.items() if wanted.get(track) is not media]
        if peer.pending or not room or (not gone and wanted.keys() <= peer.lines.keys()):
            return
        pc = self._pc(peer, PeerConnectionRole.SUBSCRIBER)
        for section, _ in (peer.lines.pop(track) for track in gone):  # and is not used again
            section.sender.replaceTrack(None)
            section.direction = "inactive"
        for track in wanted.keys() - peer.lines.keys():
            copy = self._relay.subscribe(wanted[track], buffered=False)
            peer.lines[track] = (pc.addTransceiver(copy, direction="sendonly"), wanted[track])
        await pc.setLocalDescription(await pc.createOffer())
        peer.negotiation += 1
        tracks = tuple(
            models.SubscribedTrack(mid=section.mid, track=track) for track, (section, _) in peer.lines.items()
        )
        sdp, number = pc.localDescription.sdp, peer.negotiation
        peer.pending = SubscriberOffered(peer=peer.ref, negotiation=number, sdp=sdp, tracks=tracks)
        self._events.put(peer.pending)

    async def answer(self, peer: PeerRef, negotiation: int, sdp: str) -> None:
        here = self._peer(peer)
        await here.turns.run(lambda: self._answer(here, negotiation, sdp))

    async def _answer(self, peer: Peer, negotiation: int, sdp: str) -> None:
        if peer.pending is None or negotiation != peer.pending.negotiation:
            if negotiation == peer.answered:
                return
            raise errors.StaleNegotiation("No such offer waits for an answer.")
        check_answer(sdp, peer.pending.sdp)
        await peer.pcs[PeerConnectionRole.SUBSCRIBER].setRemoteDescription(aiortc.RTCSessionDescription(sdp, "answer"))
        peer.answered, peer.pending = negotiation, None
        await self._offer(peer)

    async def add_candidate(self, peer: PeerRef, pc: PeerConnectionRole, candidate: models.IceCandidate | None) -> None:
        connection = self._peer(peer).pcs.get(pc)
        if (candidate := check_candidate(candidate)) is not None and connection is not None:
            parsed = candidate_from_sdp(candidate.candidate.removeprefix("candidate:"))
            parsed.sdpMid, parsed.sdpMLineIndex = candidate.sdp_mid, candidate.sdp_m_line_index
            await connection.addIceCandidate(parsed)

    async def adopt(self, peer: PeerRef) -> models.PeerStatus:
        if (pending := self._peer(peer).pending) is not None:
            self._events.put(pending)
        return self._peer(peer).status

    async def peers(self, room: RoomRef) -> Sequence[models.PeerStatus]:
        return [peer.status for peer in self._room(room).values()]

    async def close_peer(self, peer: PeerRef) -> None:
        if (here := self._rooms.get(peer.room, {}).get(peer)) is not None:
            await here.turns.run(lambda: self._close(here))

    async def _close(self, peer: Peer) -> None:
        if self._is_here(peer):
            del self._rooms[peer.ref.room][peer.ref]
            self._align(peer, ())
        await asyncio.gather(*(pc.close() for pc in peer.pcs.values()))

    async def close(self) -> None:
        await asyncio.gather(*(self.close_room(room) for room in tuple(self._rooms)))
        self._events.end()

    async def _refuse(self, *_values: object, **_named: object) -> NoReturn:
        raise errors.Unsupported("This adapter does not declare it.")

    play = restart_ice = mute_track = tap = untap = request_key_frame = _refuse

    def _room(self, room: RoomRef) -> dict[PeerRef, Peer]:
        if room not in self._rooms:
            raise errors.RoomNotFound("The room is not here.")
        return self._rooms[room]

    def _peer(self, peer: PeerRef) -> Peer:
        if peer not in self._rooms.get(peer.room, {}):
            raise errors.PeerNotFound("The participant is not here.")
        return self._rooms[peer.room][peer]

    def _is_here(self, peer: Peer) -> bool:
        return self._rooms.get(peer.ref.room, {}).get(peer.ref) is peer

    def _pc(self, peer: Peer, role: PeerConnectionRole) -> aiortc.RTCPeerConnection:
        if not self._is_here(peer):
            raise errors.PeerNotFound("The participant has left.")
        if role not in peer.pcs:
            config = aiortc.RTCConfiguration(bundlePolicy=aiortc.RTCBundlePolicy.MAX_BUNDLE)
            peer.pcs[role] = pc = aiortc.RTCPeerConnection(config)
            pc.on("connectionstatechange", lambda: self._changed(peer, role))
            pc.on("track", self._drain)
        return peer.pcs[role]

    async def _drain(self, track: aiortc.MediaStreamTrack) -> None:
        (nobody := MediaBlackhole()).addTrack(self._relay.subscribe(track))  # aiortc keeps what nobody takes
        await nobody.start()

    def _changed(self, peer: Peer, role: PeerConnectionRole) -> None:
        if self._is_here(peer) and peer.pcs[role].connectionState != "connecting":
            if role is PeerConnectionRole.PUBLISHER:
                self._align(peer, peer.offer.tracks if peer.offer and peer.up(role) else ())
            receives = bool(peer.live) and role is PeerConnectionRole.PUBLISHER
            self._events.put(ConnectionChanged(peer=peer.ref, pc=role, connected=peer.up(role), receiving=receives))
