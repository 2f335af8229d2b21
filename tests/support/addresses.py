"""Addresses that must not get around: planted wherever a client may say its own, looked for in whatever disguise."""

import base64
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Markers:
    """One client's: addresses that nobody else has, and the name that hides one from pages (mDNS, RFC 8828 §3)."""

    host: str
    reflexive: str
    relayed: str
    ipv6: str
    name: str

    @classmethod
    def of(cls, number: int) -> "Markers":
        return cls(
            host=f"198.51.100.{number}",
            reflexive=f"203.0.113.{number}",
            relayed=f"192.0.2.{number}",
            ipv6=f"2001:db8:4a7:c::{number:x}",
            name=f"5e1f{number:04x}-9c1d-4d3e-8f00-2d1c3b4a5e6f.local",
        )

    def candidates(self) -> list[str]:
        """One of each kind, as a browser writes them and as a changed client may."""
        related = f"raddr {self.host} rport 54321"
        return [
            f"candidate:1 1 udp 2122260223 {self.host} 54321 typ host generation 0 network-id 1",
            f"candidate:2 1 udp 2122262783 {self.ipv6} 54322 typ host generation 0 network-id 2",
            f"candidate:3 1 udp 2122260223 {self.name} 54323 typ host generation 0",
            f"candidate:4 1 tcp 1518280447 {self.host} 9 typ host tcptype active generation 0",
            f"candidate:5 1 udp 1686052607 {self.reflexive} 54321 typ srflx {related} generation 0",
            f"candidate:6 1 udp 1685921535 {self.reflexive} 54324 typ prflx {related} generation 0",
            f"candidate:7 1 udp 41885439 {self.relayed} 50000 typ relay {related} generation 0",
            f"candidate:8 1 udp 41885438 {self.host} 54321 typ host typ relay",
        ]

    def planted(self, sdp: str) -> str:
        """`sdp` with them in every line that has a place for an address (RFC 8866 §5, RFC 3605, RFC 8839 §5)."""
        sdp = re.sub(r"(?m)^(o=\S+ \S+ \S+) IN IP[46] \S+", rf"\1 IN IP4 {self.host}", sdp)
        sdp = re.sub(r"(?m)^c=.*?(?=\r?$)", f"c=IN IP6 {self.ipv6}", sdp)
        sdp = re.sub(r"(?m)^a=rtcp:.*?(?=\r?$)", f"a=rtcp:54321 IN IP4 {self.host}", sdp)
        own = "".join(f"a={candidate}\r\n" for candidate in self.candidates())
        remote = f"a=remote-candidates:1 {self.reflexive} 54321\r\n"
        return re.sub(r"(?m)^(a=mid:.*?\r?\n)", lambda found: found[1] + own + remote, sdp)

    def found_in(self, text: str) -> list[str]:
        """The disguises in which any of them is in `text`."""
        low = text.lower()
        return [form for form in self._forms() if form.lower() in low]

    def _forms(self) -> Iterator[str]:
        for address in (self.host, self.reflexive, self.relayed, self.ipv6):
            yield from forms(address)
        yield from (self.name, self.name[::-1], self.name.partition("-")[0])
        yield base64.b64encode(self.name.encode()).decode().rstrip("=")


def forms(text: str) -> Iterator[str]:
    """An address as text, backwards, by its bytes in hex, as a number in either byte order, and in base64."""
    address = ipaddress.ip_address(text)
    packed = address.packed
    yield from (text, text[::-1], address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa"))
    yield from (packed.hex(), packed[::-1].hex(), packed.hex(":"), packed.hex("-"), packed.hex(" "))
    yield from (str(int.from_bytes(packed)), str(int.from_bytes(packed[::-1])))
    for raw in (packed, text.encode()):
        yield base64.b64encode(raw).decode().rstrip("=")
    if address.version == 6:
        yield address.exploded
