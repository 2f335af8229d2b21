"""How a subscriber comes from what it gets to what is wanted and here, decided without I/O."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from media_adapters.models import Mid, PeerRef, PublishedTrack, SimulcastLayer, Subscription, TrackId


@dataclass(frozen=True)
class Source:
    """A track that the SFU lets others subscribe to: `mid` of the publisher that the SFU calls `feed`.

    `key` differs each time that a track starts, so that a subscription to what it was before is told apart.
    """

    peer: PeerRef
    track: PublishedTrack
    feed: str
    mid: Mid
    key: str


@dataclass(frozen=True)
class Line:
    """An active m-section of a subscriber: what the SFU sends there, unless it is paused."""

    mid: Mid
    source: Source
    layer: SimulcastLayer | None
    """The layer asked for; None when that is not known."""
    paused: bool = False


@dataclass(frozen=True)
class Changes:
    """What brings the lines to what is wanted. `layers` and `pauses` need no new offer, the others do."""

    subscribe: tuple[tuple[Source, SimulcastLayer], ...] = ()
    unsubscribe: tuple[Mid, ...] = ()
    layers: tuple[tuple[Mid, SimulcastLayer], ...] = ()
    pauses: tuple[tuple[Mid, bool], ...] = ()

    @property
    def offers(self) -> bool:
        return bool(self.subscribe or self.unsubscribe)


def changes(
    lines: Iterable[Line],
    wanted: Mapping[TrackId, Subscription],
    current: Callable[[TrackId], Source | None],
) -> Changes:
    """Compare what flows with what is wanted and here. Nothing is asked for twice: an SFU may send it twice."""
    lines = tuple(lines)
    here = {track: source for track in wanted if (source := current(track)) is not None}
    served = {line.source.track.id: line for line in lines if here.get(line.source.track.id) == line.source}
    return Changes(
        subscribe=tuple((source, wanted[track].layer) for track, source in here.items() if track not in served),
        unsubscribe=tuple(line.mid for line in lines if served.get(line.source.track.id) is not line),
        layers=tuple(
            (line.mid, wanted[track].layer)
            for track, line in served.items()
            if line.source.track.simulcast and line.layer is not wanted[track].layer
        ),
        pauses=tuple(
            (line.mid, wanted[track].paused)
            for track, line in served.items()
            if line.paused is not wanted[track].paused
        ),
    )


def goes_on(before: PublishedTrack, after: PublishedTrack | None) -> bool:
    """What a track shows may change under those who watch it; its m-section and its layers may not."""
    return after is not None and (before.mid, before.simulcast) == (after.mid, after.simulcast)
