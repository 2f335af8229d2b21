"""People: an aiortc publisher and subscriber each, who speak to a node as a browser would through the control plane."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import aioice.ice
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

from media_adapters.conformance.layered import SIZES, LayeredCamera
from media_adapters.conformance.signs import Camera, Microphone, Recognition
from media_adapters.conformance.streams import follow_streams
from media_adapters.events import SubscriberOffered
from media_adapters.models import (
    PeerRef,
    PlayerAnswer,
    PlayerOffer,
    PublishedTrack,
    PublisherAnswer,
    PublisherOffer,
    SimulcastLayer,
    Subscription,
    TrackId,
    TrackKind,
    TrackSource,
)

if TYPE_CHECKING:
    from media_adapters.conformance.stage import Stage

PATIENCE = 20.0
"""Seconds after which something that should happen has not."""

_MISTAKEN = 30
"""So many frames of somebody else, and none of whom one wants to see, are no crossing of messages any more."""


@contextmanager
def on_loopback() -> Iterator[None]:
    """Peers made meanwhile offer 127.0.0.1 and nothing else, the one address that aioice would leave out."""
    before = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]  # noqa: ARG005 - aioice names them
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = before


def peer_connection() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))


def carried(offer: SubscriberOffered) -> set[TrackId]:
    """The tracks that an offer brings."""
    return {entry.track for entry in offer.tracks}


class Person:
    """Publishes and watches. `frames` counts what was decoded and recognised as the track that it should be, by track;
    `strangers` what came in a track's place, by the sign that it bore."""

    def __init__(self, on: "Stage", ref: PeerRef) -> None:
        self.ref = ref
        self.node = on.node
        self.stage = on
        self.frames: Counter[TrackId] = Counter()
        self.strangers: dict[TrackId, Counter[int]] = {}
        self.sizes: dict[TrackId, tuple[int, int]] = {}
        """Width and height of the latest frame, in pixels."""
        self.answers = True
        self.offers: list[SubscriberOffered] = []
        self.publisher = peer_connection()
        self.subscriber = peer_connection()
        self.subscriber.on("track", self._watch)
        self.tracks: dict[TrackId, tuple[RTCRtpTransceiver, PublishedTrack]] = {}
        self._layered: list[LayeredCamera] = []
        self._films: set[asyncio.Task[None]] = set()
        self._negotiation = itertools.count(1)
        self._receivers: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[None]] = set()
        self._carries: dict[str, TrackId] = {}
        self._progress = asyncio.Condition()
        self._names = itertools.count(1)
        on.people[ref] = self

    # ── Publishing ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def publishes_camera(self) -> TrackId:
        return (await self.publishes(TrackKind.VIDEO))[0]

    async def publishes_microphone(self) -> TrackId:
        return (await self.publishes(TrackKind.AUDIO))[0]

    async def publishes(self, *kinds: TrackKind) -> list[TrackId]:
        """Begin to send tracks of these kinds, in one offer."""
        tracks = [self.adds(kind) for kind in kinds]
        await self.negotiates()
        return tracks

    async def publishes_layers(self) -> TrackId:
        """Begin to send a camera of three simulcast layers, whose pictures have the sizes `SIZES`."""
        transceiver = self.publisher.addTransceiver("video", direction="sendonly")
        track = self._names_track(TrackKind.VIDEO, transceiver, simulcast=True)
        camera = LayeredCamera(self.stage.sign(track), transceiver)
        self._layered.append(camera)
        await self.negotiates()
        self._films.add(asyncio.create_task(camera.films()))
        return track

    async def stops(self, *tracks: TrackId) -> None:
        """End one's tracks; their m-sections stay, inactive, and are used again."""
        for track in tracks:
            transceiver, _ = self.tracks.pop(track)
            transceiver.direction = "inactive"
            transceiver.sender.replaceTrack(None)
        await self.negotiates()

    def adds(self, kind: TrackKind, *, simulcast: bool = False) -> TrackId:
        """Put a track into the next offer, into a free m-section if there is one."""
        used = [transceiver for transceiver, _ in self.tracks.values()]
        free = [one for one in self.publisher.getTransceivers() if one.kind == kind.value and one not in used]
        transceiver = free[0] if free else self.publisher.addTransceiver(kind.value)
        transceiver.direction = "sendonly"
        track = self._names_track(kind, transceiver, simulcast=simulcast)
        sign = self.stage.sign(track)
        transceiver.sender.replaceTrack(Camera(sign) if kind is TrackKind.VIDEO else Microphone(sign))
        return track

    def _names_track(self, kind: TrackKind, transceiver: RTCRtpTransceiver, *, simulcast: bool) -> TrackId:
        track = TrackId(f"{self.ref.participant}-{kind.value}-{next(self._names)}")
        shows = TrackSource.CAMERA if kind is TrackKind.VIDEO else TrackSource.MICROPHONE
        described = PublishedTrack(id=track, mid="0", kind=kind, source=shows, simulcast=simulcast)
        self.tracks[track] = (transceiver, described)
        return track

    async def offer(self) -> PublisherOffer:
        """The present offer, not sent yet."""
        await self.publisher.setLocalDescription(await self.publisher.createOffer())
        sdp: str = self.publisher.localDescription.sdp
        for camera in self._layered:
            sdp = camera.offers(sdp)
        return PublisherOffer(
            negotiation=next(self._negotiation),
            sdp=sdp,
            tracks=tuple(self.published(track) for track in self.tracks),
        )

    def published(self, track: TrackId) -> PublishedTrack:
        """One of one's tracks, as offered."""
        transceiver, described = self.tracks[track]
        return described.model_copy(update={"mid": transceiver.mid})

    async def takes(self, answer: PublisherAnswer) -> None:
        await self.publisher.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))

    async def negotiates(self) -> None:
        await self.takes(await self.node.publish(self.ref, await self.offer()))

    # ── Watching ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def watches(self, *tracks: TrackId) -> None:
        await self.subscribes([Subscription(track=track) for track in tracks])

    async def subscribes(self, wanted: Sequence[Subscription]) -> None:
        await self.node.subscribe(self.ref, wanted)

    async def sees(self, *tracks: TrackId, frames: int = 3) -> None:
        """Wait until that many more frames (or pieces of sound) of each track were decoded, and were that track's."""
        enough = {track: self.frames[track] + frames for track in tracks}
        mistaken = {track: self._mistaken(track) + _MISTAKEN for track in tracks}

        def decided() -> bool:
            late = [track for track in tracks if self.frames[track] < enough[track]]
            return not late or any(self._mistaken(track) >= mistaken[track] for track in late)

        with suppress(TimeoutError):
            async with asyncio.timeout(self.stage.patience), self._progress:
                await self._progress.wait_for(decided)
        for track in tracks:
            assert self.frames[track] >= enough[track], self._misses(track)

    async def sees_layer(self, track: TrackId, layer: SimulcastLayer) -> None:
        """Wait until the track's pictures have that layer's size. Raises `AssertionError`."""
        try:
            async with asyncio.timeout(self.stage.patience), self._progress:
                await self._progress.wait_for(lambda: self.sizes.get(track) == SIZES[layer])
        except TimeoutError:
            raise AssertionError(
                f"{self.ref.participant} gets pictures of {self.sizes.get(track)} and not the layer {layer}"
            ) from None

    async def is_offered(self, tracks: set[TrackId]) -> None:
        """Wait until the latest offer carries exactly these."""
        try:
            async with asyncio.timeout(self.stage.patience), self._progress:
                await self._progress.wait_for(lambda: bool(self.offers) and carried(self.offers[-1]) == tracks)
        except TimeoutError:
            latest = carried(self.offers[-1]) if self.offers else "nothing"
            raise AssertionError(
                f"{self.ref.participant} was to be offered {tracks}, and was offered {latest}"
            ) from None

    async def offered(self, event: SubscriberOffered) -> None:
        """The node's offer has come."""
        async with self._progress:
            self.offers.append(event)
            self._progress.notify_all()
        if self.answers:
            task = asyncio.create_task(self.answers_to(event))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def answers_to(self, event: SubscriberOffered) -> None:
        sdp = await self.accepts(event)
        await self.node.answer(self.ref, event.negotiation, sdp)

    async def accepts(self, event: SubscriberOffered) -> str:
        """Apply the offer and return the answer, not sent yet."""
        self._carries = {entry.mid: entry.track for entry in event.tracks}
        await self.subscriber.setRemoteDescription(RTCSessionDescription(event.sdp, "offer"))
        await self.subscriber.setLocalDescription(await self.subscriber.createAnswer())
        sdp: str = self.subscriber.localDescription.sdp
        return sdp

    # ── Playing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def players_offer(self, *kinds: TrackKind) -> PlayerOffer:
        """An offer to receive that many tracks of these kinds, not sent yet."""
        for kind in kinds:
            self.subscriber.addTransceiver(kind.value, direction="recvonly")
        await self.subscriber.setLocalDescription(await self.subscriber.createOffer())
        return PlayerOffer(negotiation=1, sdp=self.subscriber.localDescription.sdp)

    async def plays(self, offer: PlayerOffer, *tracks: TrackId) -> PlayerAnswer:
        """Have one's offer answered with these tracks."""
        answer = await self.node.play(self.ref, offer, [Subscription(track=track) for track in tracks])
        self._carries = {entry.mid: entry.track for entry in answer.tracks}
        await self.subscriber.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        return answer

    # ── Leaving ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def hangs_up(self) -> None:
        """Close both connections without telling the node."""
        self.stage.people.pop(self.ref, None)
        tasks = (*self._receivers, *self._answering, *self._films)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.publisher.close()
        await self.subscriber.close()

    async def leaves(self) -> None:
        await self.node.close_peer(self.ref)
        await self.hangs_up()

    def _watch(self, track: MediaStreamTrack) -> None:
        transceiver = next(one for one in self.subscriber.getTransceivers() if one.receiver.track is track)
        follow_streams(transceiver.receiver)
        task = asyncio.create_task(self._look(transceiver, track))
        self._receivers.add(task)
        task.add_done_callback(self._receivers.discard)

    async def _look(self, transceiver: RTCRtpTransceiver, received: MediaStreamTrack) -> None:
        recognition = Recognition()
        with suppress(MediaStreamError):
            while True:
                frame = await received.recv()
                track = self._carries.get(transceiver.mid or "")
                if track is None or not isinstance(frame, VideoFrame | AudioFrame):
                    continue
                if (sign := recognition.sign(frame)) is not None:
                    async with self._progress:
                        self._saw(track, sign, frame)
                        self._progress.notify_all()

    def _saw(self, track: TrackId, sign: int, frame: VideoFrame | AudioFrame) -> None:
        if isinstance(frame, VideoFrame):
            self.sizes[track] = (frame.width, frame.height)
        if sign == self.stage.signs.get(track):
            self.frames[track] += 1
        else:
            self.strangers.setdefault(track, Counter())[sign] += 1

    def _mistaken(self, track: TrackId) -> int:
        return self.strangers.get(track, Counter()).total()

    def _misses(self, track: TrackId) -> str:
        names = {sign: name for name, sign in self.stage.signs.items()}
        instead = {names.get(sign, f"sign {sign}"): count for sign, count in self.strangers.get(track, {}).items()}
        return (
            f"{self.ref.participant} does not get {track}: {self.frames[track]} of its frames came, and in its place "
            f"{instead or 'none'}"
        )
