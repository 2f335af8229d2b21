"""A room on this node: its peers, and the tracks that can be subscribed to now."""

import itertools
from collections.abc import Callable
from typing import Protocol

from media_adapters.common.plan import Source
from media_adapters.events import MediaEvent, TrackStarted, TrackStopped
from media_adapters.models import PeerRef, PublishedTrack, RoomRef, TrackId

Emit = Callable[[MediaEvent], None]


class Member(Protocol):
    """What a room needs of a peer: to be told that a track came or went."""

    def tracks_changed(self, track: TrackId) -> None: ...


class TrackRoom:
    """What is on air in a room, told to the owner by events and to each member."""

    def __init__(self, ref: RoomRef, emit: Emit) -> None:
        self.ref = ref
        self.emit = emit
        self.members: dict[PeerRef, Member] = {}
        self._numbers = itertools.count(1)
        self._sources: dict[TrackId, list[Source]] = {}

    def start(self, peer: PeerRef, track: PublishedTrack, feed: str) -> Source:
        """The track can be subscribed to from now on."""
        source = Source(peer, track, feed, track.mid, key=str(next(self._numbers)))
        self._sources.setdefault(track.id, []).append(source)
        self.emit(TrackStarted(peer=peer, track=track))
        self._tell(track.id)
        return source

    def stop(self, source: Source) -> None:
        """The track has ended."""
        sources = self._sources[source.track.id]
        sources.remove(source)
        if not sources:
            del self._sources[source.track.id]
        self.emit(TrackStopped(peer=source.peer, track=source.track.id))
        self._tell(source.track.id)

    def current(self, track: TrackId) -> Source | None:
        """Where the track is to be had: while a call moves within the node it may be here twice, the newer counts."""
        sources = self._sources.get(track)
        return sources[-1] if sources else None

    def _tell(self, track: TrackId) -> None:
        for member in tuple(self.members.values()):
            member.tracks_changed(track)
