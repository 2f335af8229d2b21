"""What may leave a client of a relay-only room: its relays' addresses, and none of its own.

The client keeps to relays by its own policy already; this holds also for a client that was changed. All is text in and
text out: descriptions (RFC 8866, RFC 8839) and candidates (RFC 8839 §5.1).
"""

import re

from media_adapters.models import IceCandidate

_NOWHERE = "IN IP4 0.0.0.0"
_TYPE = re.compile(r" typ ([A-Za-z0-9-]+)")
_RELATED = re.compile(r" raddr \S+ rport \S+")
_MEDIA_PORT = re.compile(r"^(m=\S+) [1-9]\d*(/\d+)?( .*)$")


def description(sdp: str) -> str:
    """`sdp` with relayed candidates only and no other address of the client's (RFC 8839 §4.2.1.2 has the neutral ones).

    Lines keep their order; line ends become CRLF (RFC 8866 §5).
    """
    lines = (_line(line) for line in sdp.splitlines())
    return "".join(f"{line}\r\n" for line in lines if line is not None)


def candidate(offered: IceCandidate | None) -> IceCandidate | None:
    """The candidate as it may pass, with its base hidden. Raises `NotRelayed`."""
    if offered is None or not offered.candidate:
        return offered
    attribute = _attribute(offered.candidate)
    if attribute is None:
        raise NotRelayed
    return offered.model_copy(update={"candidate": attribute})


class NotRelayed(Exception):
    """The candidate names an address that nobody here may learn; it is dropped."""


def _line(line: str) -> str | None:
    if line.startswith("a=candidate:"):
        attribute = _attribute(line.removeprefix("a="))
        return None if attribute is None else f"a={attribute}"
    if line.startswith("a=remote-candidates:"):
        return None
    if line.startswith("c="):
        return f"c={_NOWHERE}"
    if line.startswith("o="):
        return _origin(line)
    if line.startswith("a=rtcp:"):
        return f"a=rtcp:9 {_NOWHERE}"
    return _MEDIA_PORT.sub(r"\1 9\2\3", line)


def _attribute(attribute: str) -> str | None:
    """The candidate attribute without its related address, None unless it is relayed."""
    kinds = _TYPE.findall(attribute)
    if kinds != ["relay"]:
        return None
    return _RELATED.sub(" raddr 0.0.0.0 rport 0", attribute)


def _origin(line: str) -> str:
    """`o=USER ID VERSION IN IP4 ADDRESS` keeps what tells sessions apart (RFC 8866 §5.2)."""
    fields = line.removeprefix("o=").split(" ")
    identity = fields[1:3] if len(fields) == 6 else ["0", "0"]
    return f"o=- {' '.join(identity)} {_NOWHERE}"
