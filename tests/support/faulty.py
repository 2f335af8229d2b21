"""A media node with one fault, to see that the conformance suite notices. Everything else goes to the real node."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

from media_adapters.contract import MediaNode
from media_adapters.events import MediaEvent, SubscriberOffered, TrackStopped
from media_adapters.models import (
    Capability,
    NodeDescription,
    NodeLoad,
    PeerRef,
    PublisherAnswer,
    PublisherOffer,
    SimulcastLayer,
    Subscription,
    Tap,
    TapTarget,
    TrackId,
)


class Faithful:
    """No fault: what is not overridden is the node's own."""

    def __init__(self, node: MediaNode) -> None:
        self._node = node

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)


class ForgetsAnEvent(Faithful):
    """Does not tell that a track has stopped."""

    async def events(self) -> AsyncIterator[MediaEvent]:
        async for event in self._node.events():
            if not isinstance(event, TrackStopped):
                yield event


class MixesUpParticipants(Faithful):
    """Says of two m-sections of an offer that each carries the other's track."""

    async def events(self) -> AsyncIterator[MediaEvent]:
        async for event in self._node.events():
            yield _crossed(event) if isinstance(event, SubscriberOffered) else event


def _crossed(offer: SubscriberOffered) -> SubscriberOffered:
    tracks = list(offer.tracks)
    for one, two in itertools.combinations(range(len(tracks)), 2):
        first, second = tracks[one], tracks[two]
        kinds = [track.track.split("-")[1] for track in (first, second)]
        if kinds[0] == kinds[1]:
            tracks[one] = first.model_copy(update={"track": second.track})
            tracks[two] = second.model_copy(update={"track": first.track})
            break
    return offer.model_copy(update={"tracks": tuple(tracks)})


class LeaksSessions(Faithful):
    """Says that a peer is closed, and keeps it."""

    async def close_peer(self, peer: PeerRef) -> None:
        pass


class IgnoresWhatItCanNot(Faithful):
    """Can't mute and says so, but takes the call for done."""

    async def describe(self) -> NodeDescription:
        description = await self._node.describe()
        return description.model_copy(update={"capabilities": description.capabilities - {Capability.SERVER_MUTE}})

    async def mute_track(self, peer: PeerRef, track: TrackId, muted: bool) -> None:
        pass


class DeclaresWhatItCanNot(Faithful):
    """Declares that it mutes, and forwards on."""

    async def mute_track(self, peer: PeerRef, track: TrackId, muted: bool) -> None:
        pass


class OffersTwice(Faithful):
    """Makes a new offer each time that somebody says what they want."""

    async def subscribe(self, peer: PeerRef, wanted: Sequence[Subscription]) -> None:
        await self._node.subscribe(peer, wanted)
        status = await self._node.adopt(peer)
        if status.subscriber.connected:
            await self._node.restart_ice(peer)


class SendsWhatIsPaused(Faithful):
    """Takes a pause for a subscription like any other."""

    async def subscribe(self, peer: PeerRef, wanted: Sequence[Subscription]) -> None:
        await self._node.subscribe(peer, [entry.model_copy(update={"paused": False}) for entry in wanted])


class SendsTheBestLayer(Faithful):
    """Sends everybody the best layer that there is."""

    async def subscribe(self, peer: PeerRef, wanted: Sequence[Subscription]) -> None:
        best = {"layer": SimulcastLayer.HIGH}
        await self._node.subscribe(peer, [entry.model_copy(update=best) for entry in wanted])


class ForgetsAnswers(Faithful):
    """Answers a repeated offer as if it had not seen it."""

    def __init__(self, node: MediaNode) -> None:
        super().__init__(node)
        self._numbers = itertools.count()

    async def publish(self, peer: PeerRef, offer: PublisherOffer) -> PublisherAnswer:
        answer = await self._node.publish(peer, offer)
        return answer.model_copy(update={"sdp": answer.sdp + f"a=x-once:{next(self._numbers)}\r\n"})


class TapsAnywhere(Faithful):
    """Sends a tap wherever it is told to."""

    async def tap(self, peer: PeerRef, track: TrackId, to: TapTarget) -> Tap:
        return await self._node.tap(peer, track, to.model_copy(update={"host": "127.0.0.1"}))


class SwallowsCancellation(Faithful):
    """Goes on when its caller gives up."""

    async def load(self) -> NodeLoad:
        task = asyncio.create_task(self._node.load())
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        return task.result()
