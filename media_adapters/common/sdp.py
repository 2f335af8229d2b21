"""Is this SDP fit for an SFU? Checked here because Janus 1.1 trusts what it gets more than it should. No I/O."""

import re
from collections import Counter
from dataclasses import dataclass, field

from media_adapters.errors import InvalidDescription
from media_adapters.models import MAX_SDP_CHARS, Mid, PublishedTrack, PublisherOffer, RtpCodec

MAX_SECTIONS = 64
MAX_RIDS = 3
"""Janus keeps three simulcast layers per m-section and writes past their end when a fourth is offered; browsers send no
more either."""

MAX_MID_CHARS = 16

_LINE = re.compile(r"^[a-z]=[^\x00-\x1f\x7f]*$")


@dataclass
class Section:
    """One m-section: its media kind, `a=` attributes by name, payload types, and whether it is rejected (port 0)."""

    kind: str = ""
    rejected: bool = False
    formats: tuple[str, ...] = ()
    attributes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def mid(self) -> str:
        return self.attributes.get("mid", [""])[0]


@dataclass
class Description:
    session: Section
    sections: list[Section]


def parse(sdp: str) -> Description:
    """Split a description into its sections. Raises `InvalidDescription` when it is not SDP (RFC 8866)."""
    if len(sdp) > MAX_SDP_CHARS:
        raise InvalidDescription(f"A description has at most {MAX_SDP_CHARS} characters.")
    lines = [line.removesuffix("\r") for line in sdp.removesuffix("\n").split("\n")]
    if lines[0] != "v=0" or not all(_LINE.match(line) for line in lines):
        raise InvalidDescription("This is not SDP.")
    description = Description(Section(), [])
    current = description.session
    for line in lines:
        if line.startswith("m="):
            current = _media(line)
            description.sections.append(current)
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            current.attributes.setdefault(name, []).append(value)
    return description


def _media(line: str) -> Section:
    words = line[2:].split(" ")
    if len(words) < 4 or not words[1].isdecimal():
        raise InvalidDescription("An m-line of the SDP is malformed.")
    return Section(kind=words[0], rejected=words[1] == "0", formats=tuple(words[3:]))


def codec_of(answer: str, mid: Mid) -> RtpCodec | None:
    """How the media of an m-section are encoded: Janus answers with one codec, first. None when it answered none."""
    for section in parse(answer).sections:
        if section.mid == mid and not section.rejected:
            return _codec(section)
    return None


def _codec(section: Section) -> RtpCodec | None:
    payload_type = section.formats[0]
    mapped = _of_payload(section, "rtpmap", payload_type).split("/")
    if len(mapped) < 2:
        return None
    return RtpCodec(
        name=mapped[0],
        payload_type=int(payload_type),
        clock_rate=int(mapped[1]),
        channels=int(mapped[2]) if len(mapped) > 2 else None,
        parameters=_of_payload(section, "fmtp", payload_type),
    )


def _of_payload(section: Section, attribute: str, payload_type: str) -> str:
    values = (value.partition(" ") for value in section.attributes.get(attribute, ()))
    return next((value for number, _, value in values if number == payload_type), "")


def check_offer(offer: PublisherOffer) -> None:
    """Raises `InvalidDescription` unless the offer can be answered and every listed track is in it."""
    description = check_plain(offer.sdp)
    kinds = {section.mid: section.kind for section in description.sections}
    for track in offer.tracks:
        if kinds.get(track.mid) != track.kind.value:
            raise InvalidDescription(f"The offer has no {track.kind.value} section with the mid {track.mid!r}.")
    _check_unique(offer.tracks)


def check_plain(sdp: str) -> Description:
    """What it says, if an SFU can work with it. Raises `InvalidDescription`."""
    description = parse(sdp)
    _check_sections(description)
    return description


def check_answer(sdp: str, offer: str) -> None:
    """Raises `InvalidDescription` unless `sdp` answers section by section (RFC 3264 §6) what `offer` offered."""
    answer = check_plain(sdp)
    if [section.kind for section in answer.sections] != [section.kind for section in parse(offer).sections]:
        raise InvalidDescription("The answer's m-sections are not those of the offer.")


def _check_sections(description: Description) -> None:
    sections = description.sections
    if not 0 < len(sections) <= MAX_SECTIONS:
        raise InvalidDescription(f"A description has between 1 and {MAX_SECTIONS} m-sections.")
    if any(section.kind not in ("audio", "video") for section in sections):
        raise InvalidDescription("Only audio and video sections are relayed.")
    mids = Counter(section.mid.lower() for section in sections)  # Janus compares mids without regard to case
    if "" in mids or max(mids.values()) > 1:
        raise InvalidDescription("Every m-section needs a mid of its own.")
    if any(len(mid) > MAX_MID_CHARS for mid in mids):
        raise InvalidDescription(f"A mid has at most {MAX_MID_CHARS} characters.")
    if any(len(section.attributes.get("rid", ())) > MAX_RIDS for section in sections):
        raise InvalidDescription(f"An m-section has at most {MAX_RIDS} simulcast layers.")
    for name in ("fingerprint", "ice-ufrag", "ice-pwd"):
        _check_transport(description, name)


def _check_transport(description: Description, name: str) -> None:
    """Given once for the session, or in the live sections (a bundle may give it in its first one only)."""
    live = [section for section in description.sections if not section.rejected]
    if name not in description.session.attributes and not any(name in section.attributes for section in live):
        raise InvalidDescription(f"The description has no {name}.")


def _check_unique(tracks: tuple[PublishedTrack, ...]) -> None:
    if len({track.id for track in tracks}) < len(tracks) or len({track.mid for track in tracks}) < len(tracks):
        raise InvalidDescription("A track is listed twice, or two tracks share an m-section.")
