"""What a subscriber handle must be asked for, decided without I/O."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from media_adapters.models import Mid, PeerRef, PublishedTrack, SimulcastLayer, Subscription, TrackId

SUBSTREAM = {SimulcastLayer.HIGH: 2, SimulcastLayer.MEDIUM: 1, SimulcastLayer.LOW: 0}
"""Janus numbers layers from the end of the offer's list, and clients list the best first (`h;m;l`)."""


@dataclass(frozen=True)
class Source:
    """A track that Janus lets others subscribe to: `mid` of the publisher `feed`.

    `key` differs each time that a track starts, so that a subscription to what it was before is told apart.
    """

    peer: PeerRef
    track: PublishedTrack
    feed: str
    mid: Mid
    key: str


@dataclass(frozen=True)
class Line:
    """An active m-section of a subscriber: what Janus sends there, unless it is paused."""

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

    def request(self) -> dict[str, Any]:
        """The `update` request. Janus removes before it adds, so a freed m-section is used again at once."""
        body: dict[str, Any] = {"request": "update"}
        if self.subscribe:
            body["subscribe"] = [stream(source, layer) for source, layer in self.subscribe]
        if self.unsubscribe:
            body["unsubscribe"] = [{"sub_mid": mid} for mid in self.unsubscribe]
        return body


def stream(source: Source, layer: SimulcastLayer) -> dict[str, Any]:
    """One subscription. Janus gives `crossrefid` back in its summary, which says what an m-section carries."""
    entry: dict[str, Any] = {"feed": source.feed, "mid": source.mid, "crossrefid": source.key}
    if source.track.simulcast:
        entry["substream"] = SUBSTREAM[layer]
    return entry


def changes(
    lines: Iterable[Line],
    wanted: Mapping[TrackId, Subscription],
    current: Callable[[TrackId], Source | None],
) -> Changes:
    """Compare what flows with what is wanted and here. Nothing is asked for twice: Janus would send it twice."""
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


def lines_of(summary: Iterable[Mapping[str, Any]], before: Iterable[Line], asked: Changes) -> tuple[Line, ...]:
    """The active m-sections in Janus's summary of a subscriber, given those before and what was asked since."""
    known = {line.source.key: line for line in before}
    known |= {source.key: Line("", source, layer) for source, layer in asked.subscribe}
    return tuple(
        replace(known[entry["crossrefid"]], mid=entry["mid"])
        for entry in summary
        if entry.get("active") and entry.get("crossrefid") in known
    )
