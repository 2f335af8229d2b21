"""aiortc behind the media contract: to learn from, not to carry load, for it encodes a track for every viewer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiortc
from aiortc.contrib.media import MediaBlackhole, MediaRelay
from media_adapters import errors, models, registry
from media_adapters.common.candidates import check_candidate
from media_adapters.common.core import CoreOnly
from media_adapters.common.members import Members
from media_adapters.common.sdp import check_answer, check_offer
from media_adapters.common.serial import Serial
from media_adapters.common.stream import EventStream
from media_adapters.events import ConnectionChanged, SubscriberOffered, TrackStarted, TrackStopped
from media_adapters.models import ConnectionStatus, PeerConnectionRole, PeerRef, RoomRef, SubscribedTrack, TrackId

PUBLISHER, SUBSCRIBER = PeerConnectionRole
Media = aiortc.MediaStreamTrack


class AiortcBackend:
    name = "aiortc"

    def prepare(self, settings: registry.BackendSettings) -> registry.SfuProcess:
        return registry.SfuProcess(argv=["sleep", "infinity"])  # stands for aiortc, a library that runs in the agent

    @asynccontextmanager
    async def connect(self, settings: registry.BackendSettings) -> AsyncIterator["AiortcNode"]:
        node = AiortcNode()
        yield node
        await node.close()


@dataclass(eq=False)
class Peer:
    ref: PeerRef
    pcs: dict[PeerConnectionRole, aiortc.RTCPeerConnection] = field(default_factory=dict)
    offer: models.PublisherOffer | None = None
    live: dict[TrackId, tuple[models.PublishedTrack, Media]] = field(default_factory=dict)
    paused: dict[TrackId, bool] = field(default_factory=dict)  # of all that is wanted
    lines: dict[TrackId, tuple[aiortc.RTCRtpTransceiver, Media, Media]] = field(default_factory=dict)
    pending: SubscriberOffered | None = None
    negotiation: int = 0
    turns: Serial = field(default_factory=lambda: Serial(deadline=10.0))

    def up(self, role: PeerConnectionRole) -> bool:
        return role in self.pcs and self.pcs[role].connectionState == "connected"

    @property
    def status(self) -> models.PeerStatus:
        number, tracks = self.offer.negotiation if self.offer else 0, tuple(track for track, _ in self.live.values())
        sends = ConnectionStatus(negotiation=number, connected=self.up(PUBLISHER), receiving=bool(tracks))
        sees = ConnectionStatus(negotiation=self.negotiation, pending=bool(self.pending), connected=self.up(SUBSCRIBER))
        return models.PeerStatus(peer=self.ref, publisher=sends, subscriber=sees, tracks=tracks)


class AiortcNode(CoreOnly):
    def __init__(self) -> None:
        self._peers, self._relay, self._events = Members[Peer](), MediaRelay(), EventStream()

    async def describe(self) -> models.NodeDescription:
        return models.NodeDescription(backend="aiortc", version=aiortc.__version__, capabilities=frozenset())

    async def load(self) -> models.NodeLoad:
        streams = [len(peer.live) + len(peer.lines) for peer in self._peers]
        return models.NodeLoad(rooms=len(self._peers.rooms), peers=len(streams), streams=sum(streams))

    def events(self) -> EventStream:
        self._events = EventStream()
        return self._events

    async def open_room(self, room: RoomRef, spec: models.RoomSpec) -> None:
        self._peers.open(room)

    async def close_room(self, room: RoomRef) -> None:
        peers = self._peers.close(room)
        await asyncio.gather(*(one.turns.wait(one.turns.start(lambda one=one: self._close(one))) for one in peers))

    async def publish(self, peer: PeerRef, offer: models.PublisherOffer) -> models.PublisherAnswer:
        check_offer(offer)
        if any(track.simulcast for track in offer.tracks):
            raise errors.Unsupported("This adapter takes no simulcast.")
        here = self._peers.join(Peer(peer))
        return await here.turns.run(lambda: self._publish(here, offer))

    async def _publish(self, peer: Peer, offer: models.PublisherOffer) -> models.PublisherAnswer:
        latest, pc = peer.offer.negotiation if peer.offer else -1, self._pc(peer, PUBLISHER)
        if offer.negotiation < latest:
            raise errors.StaleNegotiation("A later offer was answered already.")
        if offer.negotiation > latest:
            try:
                await pc.setRemoteDescription(aiortc.RTCSessionDescription(offer.sdp, "offer"))
                await pc.setLocalDescription(await pc.createAnswer())
            except (ValueError, aiortc.exceptions.OperationError) as error:
                if peer.offer is None and not peer.paused:
                    await self._close(peer)
                raise errors.InvalidDescription("aiortc can't use this offer.") from error
            peer.offer = offer
            self._align(peer)
        return models.PublisherAnswer(negotiation=offer.negotiation, sdp=pc.localDescription.sdp)

    def _align(self, peer: Peer) -> None:
        """What of the latest offer can be had now: say so, and offer it to whoever wants it."""
        tracks = peer.offer.tracks if peer.offer and peer in self._peers and peer.up(PUBLISHER) else ()
        media = {one.mid: one.receiver.track for one in peer.pcs[PUBLISHER].getTransceivers()} if tracks else {}
        before, peer.live = peer.live, {track.id: (track, media[track.mid]) for track in tracks}
        for track in before.keys() - peer.live.keys():
            self._events.put(TrackStopped(peer=peer.ref, track=track))
        for track in peer.live.keys() - before.keys():
            self._events.put(TrackStarted(peer=peer.ref, track=peer.live[track][0]))
        for other in self._peers:
            if not (before.keys() ^ peer.live.keys()).isdisjoint(other.paused):
                other.turns.start(lambda other=other: self._bring(other))

    async def subscribe(self, peer: PeerRef, wanted: Sequence[models.Subscription]) -> None:
        here = self._peers.join(Peer(peer))
        here.paused = {entry.track: entry.paused for entry in wanted}
        await here.turns.run(lambda: self._bring(here))

    async def _bring(self, peer: Peer) -> None:
        """Bring to a peer what is wanted and here. No new offer while one waits for its answer."""
        there = (entry for other in self._peers if other.ref.room == peer.ref.room for entry in other.live.items())
        wanted = {track: media for track, (_, media) in there if track in peer.paused}
        gone = [track for track, (_, _, media) in peer.lines.items() if wanted.get(track) is not media]
        if peer in self._peers and not peer.pending and (gone or wanted.keys() - peer.lines.keys()):
            pc = self._pc(peer, SUBSCRIBER)
            for section, *_ in (peer.lines.pop(track) for track in gone):  # and is not used again
                section.sender.replaceTrack(None)
                section.direction = "inactive"
            for track in wanted.keys() - peer.lines.keys():
                copy = self._relay.subscribe(wanted[track], buffered=False)
                peer.lines[track] = (pc.addTransceiver(copy, direction="sendonly"), copy, wanted[track])
            await pc.setLocalDescription(await pc.createOffer())
            self._offer(peer, pc.localDescription.sdp)
        for track, (section, copy, _) in peer.lines.items():
            if section.sender.track is not (shown := None if peer.paused.get(track) else copy):
                section.sender.replaceTrack(shown)
                section.sender._send_keyframe()  # noqa: SLF001 - what goes on begins with one

    def _offer(self, peer: Peer, sdp: str) -> None:
        peer.negotiation += 1
        tracks = tuple(SubscribedTrack(mid=one.mid, track=track) for track, (one, *_) in peer.lines.items())
        peer.pending = SubscriberOffered(peer=peer.ref, negotiation=peer.negotiation, sdp=sdp, tracks=tracks)
        self._events.put(peer.pending)

    async def answer(self, peer: PeerRef, negotiation: int, sdp: str) -> None:
        here = self._peers.get(peer)
        await here.turns.run(lambda: self._answer(here, negotiation, sdp))

    async def _answer(self, peer: Peer, negotiation: int, sdp: str) -> None:
        if peer.pending is None or negotiation != peer.pending.negotiation:
            if 0 < negotiation == peer.negotiation - bool(peer.pending):
                return
            raise errors.StaleNegotiation("No such offer waits for an answer.")
        check_answer(sdp, peer.pending.sdp)
        await self._pc(peer, SUBSCRIBER).setRemoteDescription(aiortc.RTCSessionDescription(sdp, "answer"))
        peer.pending = None
        await self._bring(peer)

    async def add_candidate(self, peer: PeerRef, pc: PeerConnectionRole, candidate: models.IceCandidate | None) -> None:
        connection = self._peers.get(peer).pcs.get(pc)
        if (candidate := check_candidate(candidate)) is not None and connection is not None:
            parsed = aiortc.sdp.candidate_from_sdp(candidate.candidate.removeprefix("candidate:"))
            parsed.sdpMid, parsed.sdpMLineIndex = candidate.sdp_mid, candidate.sdp_m_line_index
            await connection.addIceCandidate(parsed)

    async def adopt(self, peer: PeerRef) -> models.PeerStatus:
        if (pending := self._peers.get(peer).pending) is not None:
            self._events.put(pending)
        return self._peers.get(peer).status

    async def peers(self, room: RoomRef) -> Sequence[models.PeerStatus]:
        return [peer.status for peer in self._peers.inside(room)]

    async def close_peer(self, peer: PeerRef) -> None:
        if (here := self._peers.find(peer)) is not None:
            await here.turns.run(lambda: self._close(here))

    async def _close(self, peer: Peer) -> None:
        self._peers.leave(peer)
        self._align(peer)
        await asyncio.gather(*(pc.close() for pc in peer.pcs.values()))

    async def close(self) -> None:
        await asyncio.gather(*(self.close_room(room) for room in self._peers.rooms))
        self._events.end()

    def _pc(self, peer: Peer, role: PeerConnectionRole) -> aiortc.RTCPeerConnection:
        if peer not in self._peers:
            raise errors.PeerNotFound("The participant has left.")
        if role not in peer.pcs:
            config = aiortc.RTCConfiguration(bundlePolicy=aiortc.RTCBundlePolicy.MAX_BUNDLE)
            peer.pcs[role] = pc = aiortc.RTCPeerConnection(config)
            pc.on("connectionstatechange", lambda: self._changed(peer, role))
            pc.on("track", self._drain)
        return peer.pcs[role]

    async def _drain(self, track: Media) -> None:
        (nobody := MediaBlackhole()).addTrack(self._relay.subscribe(track))  # aiortc keeps what nobody takes
        await nobody.start()

    def _changed(self, peer: Peer, role: PeerConnectionRole) -> None:
        if peer in self._peers and peer.pcs[role].connectionState != "connecting":
            self._align(peer)
            receives = bool(peer.live) and role is PUBLISHER
            self._events.put(ConnectionChanged(peer=peer.ref, pc=role, connected=peer.up(role), receiving=receives))
