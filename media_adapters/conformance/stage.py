"""A room on a media node, with people in it (`people`) and everything that the node told about it."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from media_adapters.conformance.people import PATIENCE, Person, carried, on_loopback
from media_adapters.conformance.signs import COUNT
from media_adapters.contract import MediaNode
from media_adapters.events import MediaEvent, SubscriberOffered, TrackStarted, TrackStopped
from media_adapters.models import Incarnation, ParticipantId, PeerRef, RoomId, RoomRef, RoomSpec, TrackId

__all__ = ["PATIENCE", "Person", "Stage", "carried", "new_room", "stage"]

Wanted = TypeVar("Wanted", bound=MediaEvent)


class Stage:
    """A room, and the one consumer of the node's events: it hands each offer to whom it is for."""

    def __init__(self, node: MediaNode, room: RoomRef, patience: float) -> None:
        self.patience = patience
        self.node = node
        self.room = room
        self.seen: list[MediaEvent] = []
        self.people: dict[PeerRef, Person] = {}
        self.signs: dict[TrackId, int] = {}
        """The colour or tone of each track that was ever published here."""
        self._numbers = itertools.count()
        self._news = asyncio.Condition()
        self._listeners: set[asyncio.Task[None]] = set()

    def person(self, name: str, epoch: int = 1) -> Person:
        return Person(self, PeerRef(room=self.room, participant=ParticipantId(name), epoch=epoch))

    def sign(self, track: TrackId) -> int:
        """The track's colour or tone: a free one, unless it was published before."""
        if track not in self.signs:
            self.signs[track] = next(self._numbers) % COUNT
        return self.signs[track]

    async def event(self, kind: type[Wanted], check: Callable[[Wanted], bool] = lambda _event: True) -> Wanted:
        """The first event of this kind that fits, seen already or still to come."""
        found: list[Wanted] = []

        def there() -> bool:
            found.extend(event for event in self.seen if isinstance(event, kind) and check(event))
            return bool(found)

        try:
            async with asyncio.timeout(self.patience), self._news:
                await self._news.wait_for(there)
        except TimeoutError:
            told = ", ".join(event.type for event in self.seen) or "nothing"
            raise AssertionError(
                f"The node told no such {kind.__name__} in {self.patience:g} s. It told: {told}."
            ) from None
        return found[0]

    async def offer(self, person: Person, number: int) -> SubscriberOffered:
        """The offer with that negotiation number to that person."""
        return await self.event(
            SubscriberOffered, lambda event: event.peer == person.ref and event.negotiation == number
        )

    async def started(self, *tracks: TrackId) -> None:
        """Wait until the tracks can be subscribed to."""
        for track in tracks:
            await self.event(TrackStarted, partial(_starts, track))

    async def stopped(self, *tracks: TrackId) -> None:
        """Wait until the node has told that the tracks ended."""
        for track in tracks:
            await self.event(TrackStopped, partial(_stops, track))

    def count(self, kind: type[MediaEvent]) -> int:
        return sum(isinstance(event, kind) for event in self.seen)

    def life_of(self, track: TrackId) -> list[str]:
        """The types of the events that told of the track's beginning and end, in order."""
        return [
            event.type
            for event in self.seen
            if (isinstance(event, TrackStarted) and event.track.id == track)
            or (isinstance(event, TrackStopped) and event.track == track)
        ]

    @asynccontextmanager
    async def hearing(self, node: MediaNode) -> AsyncIterator[None]:
        """Take the events of `node` until the context is left."""
        listener = asyncio.create_task(self._listen(node))
        self._listeners.add(listener)
        await asyncio.sleep(0)  # it asks for the events before anything happens
        try:
            yield
        finally:
            listener.cancel()
            await asyncio.wait({listener})
            self._listeners.discard(listener)
        if not listener.cancelled():
            listener.result()

    async def told_all(self) -> None:
        """Wait until the events have ended."""
        await asyncio.wait(self._listeners)

    async def _listen(self, node: MediaNode) -> None:
        async for event in node.events():
            async with self._news:
                self.seen.append(event)
                self._news.notify_all()
            if isinstance(event, SubscriberOffered) and event.peer in self.people:
                await self.people[event.peer].offered(event)


def _starts(track: TrackId, event: TrackStarted) -> bool:
    return event.track.id == track


def _stops(track: TrackId, event: TrackStopped) -> bool:
    return event.track == track


def new_room(name: str) -> RoomRef:
    return RoomRef(room=RoomId(name), incarnation=Incarnation(secrets.token_hex(8)))


@asynccontextmanager
async def stage(
    node: MediaNode, name: str = "lobby", spec: RoomSpec | None = None, patience: float = PATIENCE
) -> AsyncIterator[Stage]:
    """An open room with somebody who listens to the node's events. Afterwards its people have hung up.

    `patience`: seconds after which something that should happen has not.
    """
    room = new_room(name)
    await node.open_room(room, spec or RoomSpec())
    here = Stage(node, room, patience)
    with on_loopback():
        async with here.hearing(node):
            try:
                yield here
            finally:
                for person in tuple(here.people.values()):
                    await person.hangs_up()
