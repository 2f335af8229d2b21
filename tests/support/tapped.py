"""What a recorder or moderator would do with a tap: receive it, and have ffmpeg decode it."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from media_adapters.models import Tap, TapTarget


@dataclass(frozen=True)
class RtpPacket:
    """The fixed header's fields that tell streams apart (RFC 3550 §5.1), and the size of what follows, in bytes."""

    payload_type: int
    sequence: int
    ssrc: int
    size: int

    @classmethod
    def of(cls, datagram: bytes) -> "RtpPacket":
        _, second, sequence, _, ssrc = struct.unpack("!BBHII", datagram[:12])
        return cls(second & 0x7F, sequence, ssrc, len(datagram) - 12)


class Receiver(asyncio.DatagramProtocol):
    """A UDP port that counts what comes."""

    def __init__(self) -> None:
        self.packets: list[RtpPacket] = []
        self._news = asyncio.Event()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.packets.append(RtpPacket.of(data))
        self._news.set()

    async def receives(self, count: int, seconds: float = 5.0) -> list[RtpPacket]:
        """The next packets."""
        start = len(self.packets)
        async with asyncio.timeout(seconds):
            while len(self.packets) < start + count:
                self._news.clear()
                await self._news.wait()
        return self.packets[start : start + count]

    async def is_silent(self, seconds: float = 0.5) -> bool:
        """Whether nothing comes for that long, once what was under way has come."""
        await asyncio.sleep(0.1)
        before = len(self.packets)
        await asyncio.sleep(seconds)
        return len(self.packets) == before


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[Receiver, TapTarget]]:
    loop = asyncio.get_running_loop()
    transport, receiving = await loop.create_datagram_endpoint(Receiver, local_addr=("127.0.0.1", 0))
    try:
        yield receiving, TapTarget(port=transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


@contextmanager
def free_pair() -> Iterator[TapTarget]:
    """Two neighbouring ports, RTP on the even one: what ffmpeg binds for an SDP."""
    for port in range(46000, 56000, 2):
        try:
            with _bound(port), _bound(port + 1):
                pass
        except OSError:
            continue
        yield TapTarget(port=port, rtcp_port=port + 1)
        return
    raise AssertionError("No two ports are free.")


def _bound(port: int) -> socket.socket:
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", port))
    return probe


async def ffmpeg(tap: Tap, folder: Path, *output: str, seconds: float = 15.0) -> asyncio.subprocess.Process:
    """ffmpeg that receives a tap by its SDP. It ends when `output` says that it has enough, or is killed."""
    description = folder / f"{tap.id}.sdp"
    description.write_text(tap.sdp)
    quick = ("-probesize", "32", "-analyzeduration", "0", "-protocol_whitelist", "file,udp,rtp")
    return await asyncio.create_subprocess_exec(
        "ffmpeg", "-v", "error", "-nostdin", *quick, "-i", str(description), *output, stderr=asyncio.subprocess.PIPE
    )
