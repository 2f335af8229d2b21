"""Media for load that costs the generator little: one encoded camera, sent by many, and receivers that only count."""

import asyncio
import fractions
import socket
import struct
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import aioice.ice
import av
from aiortc import MediaStreamTrack, RTCDtlsTransport, RTCRtpSender
from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtp import RtpPacket

WIDTH, HEIGHT, FPS, LOOP_FRAMES = 1280, 720, 30, 60
ASKED_BITRATE = 700_000
"""bits/s. The encoder takes twice as much for the first seconds of this picture, which are all that is used."""
OPUS_SILENCE, OPUS_CLOCK, SILENCE_S = b"\xf8\xff\xfe", 48_000, 0.4
PROBATION = 1234
"""The SSRC on which mediasoup probes for bandwidth; it carries nothing."""
RECEIVE_BUFFER = 4 << 20
"""Bytes. What the system gives by default is full after 70 ms of forty cameras."""


def stay_on_loopback() -> None:
    """aioice leaves out the one address that load may go to."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]  # noqa: ARG005 - aioice names them


@cache
def encoded_camera() -> tuple[bytes, ...]:
    """Two seconds of a moving test picture; the first frame alone is a key frame."""
    codec: Any = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.bit_rate, codec.time_base = ASKED_BITRATE, fractions.Fraction(1, FPS)
    codec.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": str(10 * LOOP_FRAMES)}
    with av.open(f"testsrc2=size={WIDTH}x{HEIGHT}:rate={FPS}", format="lavfi") as source:
        frames = (frame for frame, _ in zip(source.decode(video=0), range(LOOP_FRAMES), strict=False))
        return tuple(bytes(packet) for frame in frames for packet in codec.encode(frame))


def described() -> str:
    bits = 8 * sum(map(len, encoded_camera())) * FPS / LOOP_FRAMES
    return f"VP8, {WIDTH}x{HEIGHT}, {FPS} frames/s, {bits / 1e6:.1f} Mbit/s"


class Camera(MediaStreamTrack):
    """Sends the encoded camera in a loop, in real time; from its key frame on when asked for one."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._frames = encoded_camera()
        self._next, self._sent, self._began = 0, 0, 0.0

    def answers_requests_of(self, sender: RTCRtpSender) -> None:
        """aiortc would tell its encoder, which there is none of."""
        sender._send_keyframe = self._restart

    async def recv(self) -> av.Packet:  # type: ignore[override] - aiortc sends packets as well as frames
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(self._began + self._sent / FPS - loop.time())
        packet = av.Packet(self._frames[self._next])
        packet.pts, packet.time_base = self._sent, fractions.Fraction(1, FPS)
        self._next, self._sent = (self._next + 1) % len(self._frames), self._sent + 1
        return packet

    def _restart(self) -> None:
        self._next = 0


class SilentMicrophone(MediaStreamTrack):
    """What discontinuous transmission sends of somebody who listens (RFC 7587 §3.1.3): 20 ms of silence each 400 ms."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0

    async def recv(self) -> av.Packet:  # type: ignore[override] - aiortc sends packets as well as frames
        if self._sent:
            await asyncio.sleep(SILENCE_S)
        packet = av.Packet(OPUS_SILENCE)
        packet.pts, packet.time_base = int(self._sent * SILENCE_S * OPUS_CLOCK), fractions.Fraction(1, OPUS_CLOCK)
        self._sent += 1
        return packet


@dataclass
class Stream:
    """One SSRC as it arrives."""

    first: int
    highest: int
    packets: int = 0
    key_frame: int | None = None
    """The RTP timestamp of the first key frame, while it has not arrived whole."""
    whole_at: float | None = None


@dataclass
class Arrivals:
    """What one viewer receives. Datagrams are counted as they leave the socket; only the first ones are decrypted."""

    looks: bool = True
    """Whether key frames are looked for: every stream is a camera's then."""
    streams: dict[int, Stream] = field(default_factory=dict)
    _counted: int = 0
    _expected: int = 0
    _dtls: RTCDtlsTransport | None = None

    def listen_at(self, dtls: RTCDtlsTransport) -> None:
        """Stand between this transport's sockets, which are open already, and its own handling. Twice is a no-op."""
        if self._dtls is not None:
            return
        self._dtls = dtls
        for protocol in dtls.transport._connection._protocols:
            opened = protocol.transport.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            protocol.datagram_received = self._before(protocol.datagram_received)

    def first_frames(self) -> list[float]:
        """When the first key frame of each stream had arrived whole, by the loop's clock."""
        return [stream.whole_at for stream in self.streams.values() if stream.whole_at is not None]

    def take(self) -> tuple[int, int]:
        """Packets that arrived and that should have, since the last call."""
        packets = sum(stream.packets for stream in self.streams.values())
        expected = sum(stream.highest - stream.first + 1 for stream in self.streams.values())
        taken = packets - self._counted, expected - self._expected
        self._counted, self._expected = packets, expected
        return taken

    def _before(self, handle: Any) -> Any:
        def received(data: bytes, address: Any) -> None:
            if not 127 < data[0] < 192:  # STUN and DTLS (RFC 7983)
                handle(data, address)
            elif not 191 < data[1] < 224:  # not RTCP (RFC 5761 §4), which only senders of feedback need
                self._count(data)

        return received

    def _count(self, data: bytes) -> None:
        sequence, timestamp, ssrc = struct.unpack_from("!HII", data, 2)
        if ssrc == PROBATION:
            return
        stream = self.streams.get(ssrc)
        if stream is None:
            stream = self.streams[ssrc] = Stream(sequence, sequence - 1)
        stream.packets += 1
        ahead = (sequence - stream.highest) & 0xFFFF
        if ahead < 0x8000:
            stream.highest += ahead
        if self.looks and stream.whole_at is None:
            self._look_for_key_frame(stream, data, timestamp)

    def _look_for_key_frame(self, stream: Stream, data: bytes, timestamp: int) -> None:
        if stream.key_frame is None and self._begins_key_frame(data):
            stream.key_frame = timestamp
        if stream.key_frame == timestamp and data[1] & 0x80:
            stream.whole_at = asyncio.get_running_loop().time()

    def _begins_key_frame(self, data: bytes) -> bool:
        keys = self._dtls._rx_srtp if self._dtls else None
        if keys is None:
            return False  # the SFU was done with DTLS before us
        payload = RtpPacket.parse(keys.unprotect(data)).payload
        if not payload:
            return False  # padding, with which an SFU probes
        descriptor, frame = VpxPayloadDescriptor.parse(payload)
        return bool(descriptor.partition_start) and not frame[0] & 1  # RFC 6386 §9.1
