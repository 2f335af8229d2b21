"""What is read in offers of publishers and players and in fragments about ICE (RFC 9725, RFC 8840 §9). No I/O.

What is not SDP at all raises `InvalidDescription`; what is, but can't be taken here, `Unprocessable`.
"""

import re
from dataclasses import dataclass, field
from typing import NoReturn

from control_plane.errors import InvalidDescription
from control_plane.whip.errors import Unprocessable
from media_adapters.models import IceCandidate, TrackKind

MAX_CANDIDATES = 64
MAX_CANDIDATE_CHARS = 512

_LINE = re.compile(r"^[a-z]=[^\x00-\x1f\x7f]*$")
_ICE_TEXT = r"[A-Za-z0-9+/=_-]"
_UFRAG = re.compile(rf"^{_ICE_TEXT}{{4,256}}$")
_PASSWORD = re.compile(rf"^{_ICE_TEXT}{{22,256}}$")
_CANDIDATE = re.compile(r"^candidate:\S+ \d{1,5} \S+ \d{1,10} \S+ \d{1,5} typ \S+( |$)")
_MID = re.compile(r"^[A-Za-z0-9_.~-]{1,32}$")
_SENDS = {"sendonly", "sendrecv"}
_RECEIVES = {"recvonly", "sendrecv"}
_DIRECTIONS = _SENDS | _RECEIVES | {"inactive"}


@dataclass(slots=True)
class Section:
    """The session (without `kind`) or an m-section. `attributes` by name, in order."""

    kind: str = ""
    m_line: str = ""
    port: str = ""
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def first(self, name: str) -> str | None:
        values = self.attributes.get(name)
        return values[0] if values else None

    @property
    def direction(self) -> str | None:
        return next((each for each in _DIRECTIONS if each in self.attributes), None)


@dataclass(frozen=True, slots=True)
class OfferedTrack:
    mid: str
    kind: TrackKind
    simulcast: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be published, or played to. `ufrag` names its ICE session."""

    sdp: str = field(repr=False)
    ufrag: str = field(repr=False)
    tracks: tuple[OfferedTrack, ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a PATCH tells. None among the candidates ends them. Without `ufrag` it is about the session that is."""

    ufrag: str | None = field(repr=False)
    password: str | None = field(repr=False)
    candidates: tuple[IceCandidate | None, ...] = field(repr=False)


def read_offer(sdp: str, *, plays: bool = False) -> Offer:
    """What is sent, or received by who `plays`. Raises `InvalidDescription`, `Unprocessable`."""
    session, sections = _parse(sdp)
    if not sdp.startswith("v=0") or not sections:
        raise InvalidDescription("This is not an SDP offer with media (RFC 8866).")
    tracks = tuple(_track(section, session, _RECEIVES if plays else _SENDS) for section in sections)
    if len({track.kind for track in tracks}) < len(tracks):
        raise Unprocessable("At most one audio and one video are taken at a time (RFC 9725 §4.4.2).")
    _expect_bundle(session, [track.mid for track in tracks])
    for name in ("ice-ufrag", "ice-pwd", "fingerprint"):
        if session.first(name) is None and sections[0].first(name) is None:
            raise InvalidDescription(f"The offer has no {name}.")
    ufrag, _ = _credentials(sections[0], session)
    if ufrag is None:
        raise InvalidDescription("The offer has no ice-ufrag.")
    return Offer(sdp, ufrag, tracks)


def read_fragment(text: str) -> Fragment:
    """Raises `InvalidDescription`."""
    session, sections = _parse(text)
    candidates: list[IceCandidate | None] = []
    ufrag, password = _credentials(session, session)
    for index, section in enumerate([session, *sections]):
        own, own_password = _credentials(section, session)
        ufrag, password = ufrag or own, password or own_password
        mid = section.first("mid")
        if mid is not None and not _MID.match(mid):
            raise InvalidDescription("A mid of the fragment can't be one.")
        candidates += [_candidate(value, mid, max(index - 1, 0)) for value in section.attributes.get("candidate", ())]
    if any("end-of-candidates" in section.attributes for section in (session, *sections)):
        candidates.append(None)
    if len(candidates) > MAX_CANDIDATES:
        raise InvalidDescription(f"A fragment has at most {MAX_CANDIDATES} candidates.")
    return Fragment(ufrag, password, tuple(candidates))


def restarted(sdp: str, fragment: Fragment) -> str:
    """The same offer once more, with the fragment's ICE credentials and no candidates yet (RFC 9429 §5.2.2)."""
    new = {"a=ice-ufrag:": fragment.ufrag, "a=ice-pwd:": fragment.password}
    lines = []
    for line in sdp.splitlines():
        if line.startswith(("a=candidate:", "a=end-of-candidates")):
            continue
        prefix = next((each for each in new if line.startswith(each)), None)
        lines.append(f"{prefix}{new[prefix]}" if prefix else _next_version(line) if line.startswith("o=") else line)
    return "\r\n".join(lines) + "\r\n"


def answered_fragment(answer: str) -> str:
    """What of an answer a client needs to go on after a restart: our ICE credentials and candidates."""
    session, sections = _parse(answer)
    lines = [f"a={name}" for name in ("ice-lite",) if name in session.attributes]
    lines += [f"a={name}:{session.first(name)}" for name in ("ice-options", "group") if session.first(name)]
    tagged = next((section for section in sections if section.first("candidate") or section.first("ice-ufrag")), None)
    if tagged is None:
        raise InvalidDescription("The media server gave no ICE credentials.")
    ufrag, password = _credentials(tagged, session)
    lines += [tagged.m_line, f"a=mid:{tagged.first('mid')}", f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{password}"]
    lines += [f"a=candidate:{value}" for value in tagged.attributes.get("candidate", ())]
    return "\r\n".join([*lines, "a=end-of-candidates"]) + "\r\n"


def expect_all_taken(answer: str) -> None:
    """Nothing is published by half (RFC 9725 §4.4.3). Raises `Unprocessable`."""
    _, sections = _parse(answer)
    for section in sections:
        if section.direction == "inactive" or (section.port == "0" and "bundle-only" not in section.attributes):
            raise Unprocessable(f"The {section.kind} can't be taken: none of its codecs is used in this room.")


def _parse(text: str) -> tuple[Section, list[Section]]:
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if not all(_LINE.match(line) for line in lines):
        raise InvalidDescription("This is not SDP (RFC 8866).")
    session, sections = Section(), list[Section]()
    current = session
    for line in lines:
        if line.startswith("m="):
            current = _media(line)
            sections.append(current)
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            current.attributes.setdefault(name, []).append(value)
    return session, sections


def _media(line: str) -> Section:
    words = line[2:].split(" ")
    if len(words) < 4 or not words[1].isdecimal():
        raise InvalidDescription("An m-line is malformed (RFC 8866 §5.14).")
    return Section(kind=words[0], m_line=line, port=words[1])


def _track(section: Section, session: Section, directions: set[str]) -> OfferedTrack:
    mid = section.first("mid")
    if section.kind not in {"audio", "video"}:
        raise Unprocessable("Only audio and video are taken.")
    if mid is None or not _MID.match(mid):
        raise Unprocessable("Every m-section needs a mid (RFC 9143).")
    if (section.direction or session.direction or "sendrecv") not in directions:
        raise Unprocessable("Every m-section of a publisher sends (RFC 9725 §4.2), and of a player receives.")
    if section.port == "0" and "bundle-only" not in section.attributes:
        raise Unprocessable("An m-section of the offer is switched off.")
    simulcast = any(value.startswith("send ") for value in section.attributes.get("simulcast", ()))
    return OfferedTrack(mid, TrackKind(section.kind), simulcast)


def _expect_bundle(session: Section, mids: list[str]) -> None:
    if len(set(mids)) < len(mids):
        raise InvalidDescription("Two m-sections have the same mid (RFC 9143).")
    groups = [set(value.split(" ")[1:]) for value in session.attributes.get("group", ()) if value.startswith("BUNDLE ")]
    if len(mids) > 1 and not any(set(mids) <= group for group in groups):
        raise Unprocessable("All m-sections have to be in one BUNDLE group (RFC 9725 §4.4.1).")


def _credentials(section: Section, session: Section) -> tuple[str | None, str | None]:
    ufrag = section.first("ice-ufrag") or session.first("ice-ufrag")
    password = section.first("ice-pwd") or session.first("ice-pwd")
    if (ufrag is not None and not _UFRAG.match(ufrag)) or (password is not None and not _PASSWORD.match(password)):
        _refuse_credentials()
    return ufrag, password


def _refuse_credentials() -> NoReturn:
    raise InvalidDescription("The ICE credentials are malformed (RFC 8839 §5.4).")


def _candidate(value: str, mid: str | None, index: int) -> IceCandidate:
    text = f"candidate:{value}"
    if len(text) > MAX_CANDIDATE_CHARS or not _CANDIDATE.match(text):
        raise InvalidDescription("A candidate is malformed (RFC 8839 §5.1).")
    return IceCandidate(candidate=text, sdp_mid=mid, sdp_m_line_index=None if mid is not None else index)


def _next_version(origin: str) -> str:
    """The session's version grows with each offer (RFC 3264 §8)."""
    words = origin.split(" ")
    if len(words) > 2 and words[2].isdecimal() and len(words[2]) <= 20:
        words[2] = str(int(words[2]) + 1)
    return " ".join(words)
