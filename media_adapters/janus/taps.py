"""Copies of a participant's tracks on their way to other processes of this node (`rtp_forward` of the VideoRoom).

Janus keeps a forwarder on the m-section, not on the track: it would go on with whatever is sent there next. So each is
stopped with its track.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from media_adapters.common.plan import goes_on
from media_adapters.common.sdp import codec_of
from media_adapters.errors import TrackNotFound
from media_adapters.janus.client import Handle, JanusError
from media_adapters.janus.refusals import NO_SUCH_FEED, translated
from media_adapters.models import PublishedTrack, RtpCodec, Tap, TapId, TapTarget, TrackId


@dataclass(frozen=True)
class Feed:
    """Where Janus knows a publisher: the handle to ask on, and what every request on its streams names."""

    handle: Handle
    room: str
    name: str
    admin_key: str

    def request(self, request: str) -> dict[str, Any]:
        return {"request": request, "room": self.room, "publisher_id": self.name, "admin_key": self.admin_key}


@dataclass(frozen=True)
class _Running:
    tap: Tap
    of: PublishedTrack
    forwarder: int


class Taps:
    """The taps of one publisher. Calls come one at a time."""

    def __init__(self) -> None:
        self._running: dict[TapId, _Running] = {}

    async def start(self, feed: Feed, track: PublishedTrack, to: TapTarget, answer: str) -> Tap:
        """Tap a track to `to`, or return the tap that does it already. `answer`: Janus's latest."""
        for running in self._running.values():
            if (running.tap.track, running.tap.target) == (track.id, to):
                return running.tap
        codec = codec_of(answer, track.mid)
        if codec is None:
            raise TrackNotFound("Janus takes nothing of this track.")
        codec = codec.model_copy(update={"ssrc": secrets.randbits(32)})
        with translated():
            reply = await feed.handle.message(_forward(feed, track, codec, to))
        tap = Tap.of(TapId(secrets.token_hex(8)), track, codec, to)
        self._running[tap.id] = _Running(tap, track, reply.data["forwarders"][0]["stream_id"])
        return tap

    async def stop(self, feed: Feed, tap: TapId) -> None:
        """One that is not there is a no-op."""
        if (running := self._running.get(tap)) is None:
            return
        with translated():
            try:
                await feed.handle.message(feed.request("stop_rtp_forward") | {"stream_id": running.forwarder})
            except JanusError as error:
                if error.code != NO_SUCH_FEED:  # it ended with its stream
                    raise
        del self._running[tap]

    async def stop_all_but(self, feed: Feed, tracks: Mapping[TrackId, PublishedTrack]) -> None:
        """Stop the taps of tracks that are not in `tracks`, or not as they were."""
        for running in tuple(self._running.values()):
            if not goes_on(running.of, tracks.get(running.of.id)):
                await self.stop(feed, running.tap.id)


def _forward(feed: Feed, track: PublishedTrack, codec: RtpCodec, to: TapTarget) -> dict[str, Any]:
    stream: dict[str, Any] = {"mid": track.mid, "port": to.port, "pt": codec.payload_type, "ssrc": codec.ssrc}
    if to.rtcp_port is not None:
        stream["rtcp_port"] = to.rtcp_port
    if track.simulcast:
        stream["simulcast"] = True  # the best layer that arrives, as one stream
    return feed.request("rtp_forward") | {"host": to.host, "streams": [stream]}
