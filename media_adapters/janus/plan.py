"""What a subscriber handle must be asked for, and what it said it sends. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from media_adapters.common.plan import Changes, Line, Source
from media_adapters.models import SimulcastLayer

SUBSTREAM = {SimulcastLayer.HIGH: 2, SimulcastLayer.MEDIUM: 1, SimulcastLayer.LOW: 0}
"""Janus numbers layers from the end of the offer's list, and clients list the best first (`h;m;l`)."""


def update(asked: Changes) -> dict[str, Any]:
    """The `update` request. Janus removes before it adds, so a freed m-section is used again at once."""
    body: dict[str, Any] = {"request": "update"}
    if asked.subscribe:
        body["subscribe"] = [stream(source, layer) for source, layer in asked.subscribe]
    if asked.unsubscribe:
        body["unsubscribe"] = [{"sub_mid": mid} for mid in asked.unsubscribe]
    return body


def stream(source: Source, layer: SimulcastLayer) -> dict[str, Any]:
    """One subscription. Janus gives `crossrefid` back in its summary, which says what an m-section carries."""
    entry: dict[str, Any] = {"feed": source.feed, "mid": source.mid, "crossrefid": source.key}
    if source.track.simulcast:
        entry["substream"] = SUBSTREAM[layer]
    return entry


def lines_of(summary: Iterable[Mapping[str, Any]], before: Iterable[Line], asked: Changes) -> tuple[Line, ...]:
    """The active m-sections in Janus's summary of a subscriber, given those before and what was asked since."""
    known = {line.source.key: line for line in before}
    known |= {source.key: Line("", source, layer) for source, layer in asked.subscribe}
    return tuple(
        replace(known[entry["crossrefid"]], mid=entry["mid"])
        for entry in summary
        if entry.get("active") and entry.get("crossrefid") in known
    )
