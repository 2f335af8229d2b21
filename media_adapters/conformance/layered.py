"""A camera of three simulcast layers, such as a browser's. aiortc sends one stream per m-section; these are made here.

Each layer is a VP8 stream of its own: its SSRC, sequence numbers and clock, told apart by `mid` and `rid` in the RTP
header (RFC 8852), related to the others by sender reports (RFC 3550 §6.4.1). Nothing listens to requests for key
frames: each layer sends one every half second.
"""

import asyncio
import itertools
import re
import time
from dataclasses import dataclass, field

from aiortc import RTCRtpTransceiver, clock
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.rtp import (
    HeaderExtensionsMap,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    RtpPacket,
)
from aiortc.sdp import SessionDescription
from aiortc.utils import random16, random32, uint16_add, uint32_add
from av import VideoFrame

from media_adapters.conformance.signs import FRAMES_PER_SECOND, picture
from media_adapters.models import SimulcastLayer

SIZES = {SimulcastLayer.HIGH: (256, 192), SimulcastLayer.MEDIUM: (128, 96), SimulcastLayer.LOW: (64, 48)}
"""Width and height of each layer's pictures, in pixels; the best first, as offers list them."""

_RIDS = {SimulcastLayer.HIGH: "h", SimulcastLayer.MEDIUM: "m", SimulcastLayer.LOW: "l"}
_KEY_FRAME_EVERY = FRAMES_PER_SECOND // 2
_CNAME = 1
_SDES = "urn:ietf:params:rtp-hdrext:sdes"
_EXTENSIONS = {"rtp-stream-id": 10, "repaired-rtp-stream-id": 11}
"""With numbers that aiortc does not give away."""


@dataclass
class _Stream:
    """One layer on the wire."""

    rid: str
    size: tuple[int, int]
    ssrc: int = field(default_factory=random32)
    began: int = field(default_factory=random32)
    """The RTP timestamp of the clock's 0."""
    sequence: int = field(default_factory=lambda: random16() % 32768)
    timestamp: int = 0
    """Of the latest picture."""
    packets: int = 0
    octets: int = 0
    encoder: Vp8Encoder = field(default_factory=Vp8Encoder)

    def frame(self, frame: VideoFrame, payload_type: int, mid: str, *, key: bool) -> list[RtpPacket]:
        payloads, ticks = self.encoder.encode(frame, force_keyframe=key)
        self.timestamp = uint32_add(self.began, ticks)
        return [
            self._packet(payload, payload_type, mid, last=number == len(payloads))
            for number, payload in enumerate(payloads, start=1)
        ]

    def _packet(self, payload: bytes, payload_type: int, mid: str, *, last: bool) -> RtpPacket:
        packet = RtpPacket(payload_type, int(last), self.sequence, self.timestamp, self.ssrc, payload)
        packet.extensions.mid = mid
        packet.extensions.rtp_stream_id = self.rid
        self.sequence = uint16_add(self.sequence, 1)
        self.packets += 1
        self.octets += len(payload)
        return packet

    def report(self) -> bytes:
        """That the latest picture was taken now."""
        sent = RtcpSenderInfo(
            ntp_timestamp=clock.current_ntp_time(),
            rtp_timestamp=self.timestamp,
            packet_count=self.packets,
            octet_count=self.octets,
        )
        name = RtcpSourceInfo(ssrc=self.ssrc, items=[(_CNAME, b"layers")])
        return bytes(RtcpSrPacket(ssrc=self.ssrc, sender_info=sent)) + bytes(RtcpSdesPacket(chunks=[name]))


class LayeredCamera:
    """Shows a colour in three sizes at once, in the m-section of a transceiver that has no track of its own."""

    def __init__(self, sign: int, transceiver: RTCRtpTransceiver) -> None:
        self._sign = sign
        self._transceiver = transceiver
        self._streams = [_Stream(_RIDS[layer], size) for layer, size in SIZES.items()]
        self._mid = ""
        self._payload_type = 0
        self._extensions = HeaderExtensionsMap()

    def offers(self, sdp: str) -> str:
        """The offer, with this m-section as a browser would have it."""
        head, *sections = re.split(r"(?=^m=)", sdp, flags=re.MULTILINE)
        mine = next(number for number, section in enumerate(sections) if self._is_mine(section))
        sections[mine] = _layered(sections[mine])
        offer = "".join((head, *sections))
        media = SessionDescription.parse(offer).media[mine]
        self._mid = media.rtp.muxId
        self._payload_type = next(codec.payloadType or 0 for codec in media.rtp.codecs if codec.mimeType == "video/VP8")
        self._extensions.configure(media.rtp)
        return offer

    async def films(self) -> None:
        """Send until cancelled, from when the connection is up."""
        began = time.monotonic()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, began + number / FRAMES_PER_SECOND - time.monotonic()))
            if self._transceiver.sender.transport.state == "connected":
                for stream in self._streams:
                    await self._sends(stream, number)

    async def _sends(self, stream: _Stream, number: int) -> None:
        key = number % _KEY_FRAME_EVERY == 0
        packets = stream.frame(picture(self._sign, number, *stream.size), self._payload_type, self._mid, key=key)
        datagrams = [packet.serialize(self._extensions) for packet in packets]
        for datagram in (*datagrams, *([stream.report()] if key else [])):
            await self._transceiver.sender.transport._send_rtp(datagram)  # noqa: SLF001 - aiortc sends one stream only

    def _is_mine(self, section: str) -> bool:
        return f"\na=mid:{self._transceiver.mid}\r\n" in section


def _layered(section: str) -> str:
    """Streams are told by their `rid` alone: browsers name no SSRC then."""
    bare = re.sub(r"a=ssrc(-group)?:[^\n]*\n", "", section)
    lines = [f"a=extmap:{number} {_SDES}:{name}" for name, number in _EXTENSIONS.items()]
    lines += [f"a=rid:{rid} send" for rid in _RIDS.values()]
    lines.append(f"a=simulcast:send {';'.join(_RIDS.values())}")
    return bare + "".join(f"{line}\r\n" for line in lines)
