"""What a recorder or a moderator would do with a tap: receive its RTP, and decode it by its SDP."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
from av import AudioFrame, VideoFrame

from media_adapters.models import Tap, TapTarget

_KEPT = 1000
_OPEN_SECONDS = 10.0


@dataclass(frozen=True)
class RtpPacket:
    """What tells streams apart in the fixed header (RFC 3550 §5.1), and the size of what follows, in bytes."""

    payload_type: int
    sequence: int
    ssrc: int
    size: int

    @classmethod
    def of(cls, datagram: bytes) -> "RtpPacket":
        _, second, sequence, _, ssrc = struct.unpack("!BBHII", datagram[:12])
        return cls(second & 0x7F, sequence, ssrc, len(datagram) - 12)


class Receiver(asyncio.DatagramProtocol):
    """A UDP port on loopback; `count` packets came, the latest are kept."""

    def __init__(self) -> None:
        self.count = 0
        self._packets: deque[RtpPacket] = deque(maxlen=_KEPT)
        self._news = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's signature
        self.count += 1
        self._packets.append(RtpPacket.of(data))
        self._news.set()

    async def receives(self, packets: int = 5, seconds: float = 5.0) -> list[RtpPacket]:
        """The next packets. Raises `TimeoutError`."""
        enough = self.count + packets
        async with asyncio.timeout(seconds):
            while self.count < enough:
                self._news.clear()
                await self._news.wait()
        return list(self._packets)[-packets:]

    async def is_silent(self, seconds: float = 0.4) -> bool:
        """Whether nothing comes for that long, once what was under way has come."""
        await asyncio.sleep(0.1)
        before = self.count
        await asyncio.sleep(seconds)
        return self.count == before


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[Receiver, TapTarget]]:
    loop = asyncio.get_running_loop()
    transport, receiving = await loop.create_datagram_endpoint(Receiver, local_addr=("127.0.0.1", 0))
    try:
        yield receiving, TapTarget(port=transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


def free_pair() -> TapTarget:
    """Two neighbouring free ports, the first one even: FFmpeg binds both for an SDP."""
    for port in range(46_000, 56_000, 2):
        try:
            with _bound(port), _bound(port + 1):
                return TapTarget(port=port)
        except OSError:
            continue
    raise AssertionError("No two neighbouring ports are free.")


def _bound(port: int) -> socket.socket:
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        probe.close()
        raise
    return probe


async def decoded(tap: Tap, folder: Path, frames: int) -> list[VideoFrame | AudioFrame]:
    """The first frames that FFmpeg decodes from a tap. It must run already; the ports are those of `free_pair`."""
    description = folder / f"{tap.id}.sdp"
    description.write_text(tap.sdp)
    return await asyncio.to_thread(_decode, description, frames)


def _decode(description: Path, frames: int) -> list[VideoFrame | AudioFrame]:
    options = {"protocol_whitelist": "file,udp,rtp", "probesize": "32", "analyzeduration": "0"}
    with av.open(str(description), format="sdp", options=options, timeout=_OPEN_SECONDS) as container:
        return list(
            islice((frame for frame in container.decode() if isinstance(frame, VideoFrame | AudioFrame)), frames)
        )
