# ruff: noqa: SLF001 -- aiortc leaves no other way in
"""A repair of aiortc, which takes an m-section for one RTP stream for ever.

An SFU may send another track in an m-section that has become free, with an SSRC of its own and sequence numbers from
anywhere (RFC 3550 §8). aiortc tells streams apart by sequence number alone, and drops or holds back what happens to
start near where the last stream ended. Browsers go by the SSRC.
"""

from typing import Any

from aiortc import RTCRtpReceiver
from aiortc.codecs import is_rtx
from aiortc.jitterbuffer import JitterBuffer

_BUFFER = "_RTCRtpReceiver__jitter_buffer"
_CODECS = "_RTCRtpReceiver__codecs"


def follow_streams(receiver: RTCRtpReceiver) -> None:
    """Give each new stream of a receiver a jitter buffer of its own."""
    receive: Any = receiver._handle_rtp_packet
    last: int | None = None

    async def received(packet: Any, arrival_time_ms: int) -> None:
        nonlocal last
        codec = getattr(receiver, _CODECS).get(packet.payload_type)
        if codec is not None and not is_rtx(codec):
            if last is not None and packet.ssrc != last:
                setattr(receiver, _BUFFER, _emptied(getattr(receiver, _BUFFER)))
            last = packet.ssrc
        await receive(packet, arrival_time_ms=arrival_time_ms)

    receiver._handle_rtp_packet = received  # type: ignore[method-assign]


def _emptied(buffer: JitterBuffer) -> JitterBuffer:
    return JitterBuffer(buffer.capacity, buffer._prefetch, buffer._is_video)
