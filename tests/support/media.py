"""People for tests: an aiortc publisher and subscriber that speak to a media node as a browser would through the
control plane. They stay on the loopback interface."""

import asyncio
import fractions
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import aioice.ice
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from av import VideoFrame

from media_adapters.contract import MediaNode
from media_adapters.events import MediaEvent, SubscriberOffered, TrackStarted
from media_adapters.models import (
    Incarnation,
    ParticipantId,
    PeerRef,
    PublishedTrack,
    PublisherOffer,
    RoomId,
    RoomRef,
    RoomSpec,
    Subscription,
    TrackId,
    TrackKind,
    TrackSource,
)

PATIENCE = 20.0
"""Seconds after which something that should happen has not."""

Wanted = TypeVar("Wanted", bound=MediaEvent)


def _loopback_only(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    return ["127.0.0.1"]


aioice.ice.get_host_addresses = _loopback_only  # it would leave out just this one


def peer_connection() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))


class Camera(MediaStreamTrack):
    """A tiny moving picture, 15 frames a second."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count()
        self._began = time.monotonic()

    async def recv(self) -> VideoFrame:
        number = next(self._numbers)
        await asyncio.sleep(max(0.0, self._began + number / 15 - time.monotonic()))
        frame = VideoFrame(width=64, height=48, format="yuv420p")
        for plane in frame.planes:
            plane.update(bytes([number * 5 % 256]) * plane.buffer_size)
        # one clock for all cameras: an encoder that goes on with another camera wants its time to grow
        frame.pts, frame.time_base = int(time.monotonic() * 90000), fractions.Fraction(1, 90000)
        return frame


class Stage:
    """A room on a media node, and the one consumer of the node's events: it hands each offer to whom it is for."""

    def __init__(self, node: MediaNode, room: RoomRef) -> None:
        self.node = node
        self.room = room
        self.seen: list[MediaEvent] = []
        self.people: dict[PeerRef, Person] = {}
        self._news = asyncio.Condition()

    def person(self, name: str, epoch: int = 1) -> "Person":
        return Person(self, PeerRef(room=self.room, participant=ParticipantId(name), epoch=epoch))

    async def event(self, kind: type[Wanted], check: Callable[[Wanted], bool] = lambda _event: True) -> Wanted:
        """The first event of this kind that fits, seen already or still to come."""
        found: list[Wanted] = []

        def there() -> bool:
            found.extend(event for event in self.seen if isinstance(event, kind) and check(event))
            return bool(found)

        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(there)
        return found[0]

    async def offer(self, person: "Person", number: int) -> SubscriberOffered:
        """The offer with that negotiation number to that person."""
        return await self.event(
            SubscriberOffered, lambda event: event.peer == person.ref and event.negotiation == number
        )

    async def started(self, track: TrackId) -> None:
        """Wait until the track can be subscribed to."""
        await self.event(TrackStarted, lambda event: event.track.id == track)

    def count(self, kind: type[MediaEvent]) -> int:
        return sum(isinstance(event, kind) for event in self.seen)

    async def listen(self) -> None:
        async for event in self.node.events():
            async with self._news:
                self.seen.append(event)
                self._news.notify_all()
            if isinstance(event, SubscriberOffered) and event.peer in self.people:
                await self.people[event.peer].offered(event)


def carried(offer: SubscriberOffered) -> set[TrackId]:
    """The tracks that an offer brings."""
    return {entry.track for entry in offer.tracks}


@asynccontextmanager
async def stage(node: MediaNode, name: str = "lobby", spec: RoomSpec | None = None) -> AsyncIterator[Stage]:
    """An open room with somebody who listens to the node's events."""
    room = RoomRef(room=RoomId(name), incarnation=Incarnation("first"))
    await node.open_room(room, spec or RoomSpec())
    here = Stage(node, room)
    listener = asyncio.create_task(here.listen())
    await asyncio.sleep(0)  # the listener asks for the events before anything happens
    try:
        yield here
    finally:
        for person in tuple(here.people.values()):
            await person.hangs_up()
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


class Person:
    """Publishes and watches. `frames` counts what was decoded, by track."""

    def __init__(self, on: Stage, ref: PeerRef) -> None:
        self.ref = ref
        self.node = on.node
        self.stage = on
        self.frames: Counter[TrackId] = Counter()
        self.answers = True
        self.offers: list[SubscriberOffered] = []
        self.publisher = peer_connection()
        self.subscriber = peer_connection()
        self.subscriber.on("track", self._watch)
        self.tracks: dict[TrackId, tuple[RTCRtpTransceiver, PublishedTrack]] = {}
        self._negotiation = itertools.count(1)
        self._receivers: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[None]] = set()
        self._carries: dict[str, TrackId] = {}
        self._progress = asyncio.Condition()
        self._names = itertools.count(1)
        on.people[ref] = self

    async def publishes_camera(self) -> TrackId:
        return await self._publishes(Camera(), TrackKind.VIDEO, TrackSource.CAMERA)

    async def publishes_microphone(self) -> TrackId:
        return await self._publishes(AudioStreamTrack(), TrackKind.AUDIO, TrackSource.MICROPHONE)

    async def stops(self, track: TrackId) -> None:
        """End one's track; its m-section stays, inactive, and is used again."""
        transceiver, _ = self.tracks.pop(track)
        transceiver.direction = "inactive"
        transceiver.sender.replaceTrack(None)
        await self.negotiates()

    async def watches(self, *tracks: TrackId) -> None:
        await self.node.subscribe(self.ref, [Subscription(track=track) for track in tracks])

    async def sees(self, track: TrackId, frames: int = 3) -> None:
        """Wait until that many more frames (or pieces of sound) of the track were decoded."""
        enough = self.frames[track] + frames
        async with asyncio.timeout(PATIENCE), self._progress:
            await self._progress.wait_for(lambda: self.frames[track] >= enough)

    async def is_offered(self, tracks: set[TrackId]) -> None:
        """Wait until the latest offer carries exactly these."""
        async with asyncio.timeout(PATIENCE), self._progress:
            await self._progress.wait_for(lambda: bool(self.offers) and carried(self.offers[-1]) == tracks)

    async def offer(self) -> PublisherOffer:
        """The present offer, not sent yet."""
        await self.publisher.setLocalDescription(await self.publisher.createOffer())
        return PublisherOffer(
            negotiation=next(self._negotiation),
            sdp=self.publisher.localDescription.sdp,
            tracks=tuple(
                track.model_copy(update={"mid": transceiver.mid}) for transceiver, track in self.tracks.values()
            ),
        )

    async def negotiates(self) -> None:
        answer = await self.node.publish(self.ref, await self.offer())
        await self.publisher.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))

    def adds(self, source: MediaStreamTrack, kind: TrackKind, shows: TrackSource) -> TrackId:
        """Put a track into the next offer, into a free m-section if there is one."""
        track = TrackId(f"{self.ref.participant}-{kind.value}-{next(self._names)}")
        used = [transceiver for transceiver, _ in self.tracks.values()]
        free = [one for one in self.publisher.getTransceivers() if one.kind == kind.value and one not in used]
        if free:
            free[0].sender.replaceTrack(source)
            free[0].direction = "sendonly"
        else:
            free = [self.publisher.addTransceiver(source, direction="sendonly")]
        self.tracks[track] = (free[0], PublishedTrack(id=track, mid="0", kind=kind, source=shows))
        return track

    async def offered(self, event: SubscriberOffered) -> None:
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

    async def hangs_up(self) -> None:
        """Close both connections without telling the node."""
        self.stage.people.pop(self.ref, None)
        for task in (*self._receivers, *self._answering):
            task.cancel()
        await asyncio.gather(*self._receivers, *self._answering, return_exceptions=True)
        await self.publisher.close()
        await self.subscriber.close()

    async def leaves(self) -> None:
        await self.node.close_peer(self.ref)
        await self.hangs_up()

    async def _publishes(self, source: MediaStreamTrack, kind: TrackKind, shows: TrackSource) -> TrackId:
        track = self.adds(source, kind, shows)
        await self.negotiates()
        return track

    def _watch(self, track: MediaStreamTrack) -> None:
        task = asyncio.create_task(self._count(track))
        self._receivers.add(task)
        task.add_done_callback(self._receivers.discard)

    async def _count(self, track: MediaStreamTrack) -> None:
        transceiver = next(one for one in self.subscriber.getTransceivers() if one.receiver.track is track)
        with suppress(MediaStreamError):
            while True:
                await track.recv()
                carried = self._carries.get(transceiver.mid or "")
                if carried is not None:
                    async with self._progress:
                        self.frames[carried] += 1
                        self._progress.notify_all()
