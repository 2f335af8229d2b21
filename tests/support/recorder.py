# ruff: noqa: ARG002 -- a recorder looks at few of the arguments that the contract hands it
"""A media node of dictionaries: it records what it is told, for tests of what stands in front of one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from media_adapters.errors import InvalidDescription, PeerNotFound, RoomNotFound
from media_adapters.events import ConnectionChanged, MediaEvent, SfuDied, TrackStarted
from media_adapters.models import (
    Capability,
    ConnectionStatus,
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
    RtpCodec,
    Subscription,
    Tap,
    TapId,
    TapTarget,
    TrackId,
)
from media_adapters.registry import BackendSettings, SfuProcess

DESCRIPTION = NodeDescription(
    backend="recorder",
    version="1",
    capabilities=frozenset({Capability.SERVER_MUTE, Capability.TAP, Capability.PLAY}),
    warnings=("Only for tests.",),
)


class RecordingNode:
    """Answers at once, unless `held` names the method: then when its event is set."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, object]] = []
        self.rooms: dict[RoomRef, dict[PeerRef, PeerStatus]] = {}
        self.held: dict[str, asyncio.Event] = {}
        self.fails: dict[str, Exception] = {}
        self.waiting = asyncio.Event()
        self.opened: set[RoomRef] = set()
        self.wanted: dict[str, tuple[TrackId, ...]] = {}
        self.subscriptions: dict[str, tuple[Subscription, ...]] = {}
        self.muted: set[TrackId] = set()
        self.offers: list[PublisherOffer] = []
        self.candidates: list[IceCandidate | None] = []
        self.answer_sdp = "v=0 answer"
        self._changed = asyncio.Event()
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue()

    def emit(self, event: MediaEvent) -> None:
        self._events.put_nowait(event)

    async def until(self, holds: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait for what follows from what the recorder is told."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            told = f"muted {self.muted}, wanted {self.wanted}, rooms {self.rooms}, calls {self.calls[-20:]}"
            raise AssertionError(f"It did not come to that in {seconds:g} s: {told}") from error

    async def describe(self) -> NodeDescription:
        return DESCRIPTION

    async def load(self) -> NodeLoad:
        return NodeLoad(rooms=len(self.rooms), peers=sum(len(peers) for peers in self.rooms.values()))

    async def events(self) -> AsyncIterator[MediaEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, SfuDied):
                return

    async def open_room(self, room: RoomRef, spec: RoomSpec) -> None:
        await self._record("open_room", room)
        self.rooms.setdefault(room, {})
        self.opened.add(room)

    async def close_room(self, room: RoomRef) -> None:
        await self._record("close_room", room)
        self.rooms.pop(room, None)

    async def publish(self, peer: PeerRef, offer: PublisherOffer) -> PublisherAnswer:
        await self._record("publish", peer)
        self.offers.append(offer)
        known = self._peers(peer.room).get(peer, PeerStatus(peer=peer))
        status = ConnectionStatus(negotiation=offer.negotiation, connected=True, receiving=True)
        self.rooms[peer.room][peer] = known.model_copy(update={"tracks": offer.tracks, "publisher": status})
        for track in offer.tracks:
            if track not in known.tracks:
                self.emit(TrackStarted(peer=peer, track=track))
        return PublisherAnswer(negotiation=offer.negotiation, sdp=self.answer_sdp)

    async def subscribe(self, peer: PeerRef, wanted: Sequence[Subscription]) -> None:
        await self._record("subscribe", peer)
        self._peers(peer.room).setdefault(peer, PeerStatus(peer=peer))
        self.wanted[peer.participant] = tuple(subscription.track for subscription in wanted)
        self.subscriptions[peer.participant] = tuple(wanted)
        self._changed.set()

    async def play(self, peer: PeerRef, offer: PlayerOffer, wanted: Sequence[Subscription]) -> PlayerAnswer:
        await self._record("play", peer)
        known = self._peers(peer.room).get(peer, PeerStatus(peer=peer))
        status = ConnectionStatus(negotiation=offer.negotiation, connected=True)
        self.rooms[peer.room][peer] = known.model_copy(update={"subscriber": status})
        self.wanted[peer.participant] = tuple(subscription.track for subscription in wanted)
        self._changed.set()
        self.emit(ConnectionChanged(peer=peer, pc=PeerConnectionRole.SUBSCRIBER, connected=True))
        return PlayerAnswer(negotiation=offer.negotiation, sdp=self.answer_sdp, tracks=())

    async def answer(self, peer: PeerRef, negotiation: int, sdp: str) -> None:
        await self._on_peer("answer", peer)

    async def add_candidate(self, peer: PeerRef, pc: PeerConnectionRole, candidate: IceCandidate | None) -> None:
        await self._on_peer("add_candidate", peer)
        self.candidates.append(candidate)
        self._changed.set()

    async def restart_ice(self, peer: PeerRef) -> None:
        await self._on_peer("restart_ice", peer)

    async def mute_track(self, peer: PeerRef, track: TrackId, muted: bool) -> None:
        status = await self._on_peer("mute_track", peer)
        (self.muted.add if muted else self.muted.discard)(track)
        self.rooms[peer.room][peer] = status.model_copy(update={"muted": frozenset(self.muted)})
        self._changed.set()

    async def tap(self, peer: PeerRef, track: TrackId, to: TapTarget) -> Tap:
        status = await self._on_peer("tap", peer)
        if not to.local:
            raise InvalidDescription("Not here.")
        (tapped,) = (one for one in status.tracks if one.id == track)
        return Tap.of(TapId("tap-1"), tapped, RtpCodec(name="VP8", payload_type=96, clock_rate=90000), to)

    async def untap(self, peer: PeerRef, tap: TapId) -> None:
        await self._record("untap", peer)

    async def request_key_frame(self, peer: PeerRef, track: TrackId) -> None:
        await self._on_peer("request_key_frame", peer)

    async def adopt(self, peer: PeerRef) -> PeerStatus:
        return await self._on_peer("adopt", peer)

    async def peers(self, room: RoomRef) -> Sequence[PeerStatus]:
        return list(self._peers(room).values())

    async def close_peer(self, peer: PeerRef) -> None:
        await self._record("close_peer", peer)
        self.rooms.get(peer.room, {}).pop(peer, None)
        self._changed.set()

    async def close(self) -> None:
        self.rooms.clear()

    async def _record(self, method: str, subject: object) -> None:
        self.calls.append((method, subject))
        self._changed.set()
        if held := self.held.get(method):
            self.waiting.set()
            await held.wait()
        if error := self.fails.get(method):
            raise error

    async def _on_peer(self, method: str, peer: PeerRef) -> PeerStatus:
        await self._record(method, peer)
        try:
            return self._peers(peer.room)[peer]
        except KeyError as error:
            raise PeerNotFound("This participant is not here.") from error

    def _peers(self, room: RoomRef) -> dict[PeerRef, PeerStatus]:
        try:
            return self.rooms[room]
        except KeyError as error:
            raise RoomNotFound("This room is not here.") from error


class RecorderBackend:
    """The recorder behind a process that only sleeps, to test what the agent does to processes.

    Options: `lives`, seconds until the process ends; `answers`, `no` for one that can't be connected to.
    """

    name = "recorder"

    def prepare(self, settings: BackendSettings) -> SfuProcess:
        return SfuProcess(argv=["sleep", settings.options.get("lives", "1000")])

    @asynccontextmanager
    async def connect(self, settings: BackendSettings) -> AsyncIterator[RecordingNode]:
        if settings.options.get("answers") == "no":
            await asyncio.Event().wait()
        yield RecordingNode()
