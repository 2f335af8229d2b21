"""What a replica remembers of one placement's negotiations: numbers, and candidates that came too early, but no SDP.

Candidates belong to an ICE generation, which its username fragment names (RFC 8838 §3): one with another fragment than
the client's latest description is dropped, one that comes before its description waits.
"""

import re
from collections import deque
from dataclasses import dataclass, field

from control_plane.errors import InvalidDescription, StaleMessage
from media_adapters.models import IceCandidate, PeerConnectionRole

MAX_EARLY_CANDIDATES = 64

_UFRAG = re.compile(r"^a=ice-ufrag:(\S{4,256})\s*$", re.MULTILINE)


@dataclass(slots=True)
class _Negotiation:
    number: int = 0
    offered: int = 0
    ufrag: str | None = None
    early: deque[tuple[int, IceCandidate | None]] = field(default_factory=lambda: deque(maxlen=MAX_EARLY_CANDIDATES))


class Negotiations:
    """Publisher and subscriber of one participant in one epoch, as seen by who relays their messages."""

    def __init__(self) -> None:
        self._of = {role: _Negotiation() for role in PeerConnectionRole}

    @property
    def begun(self) -> bool:
        """Whether anything was negotiated."""
        return any(negotiation.number for negotiation in self._of.values())

    def number(self, pc: PeerConnectionRole) -> int:
        """The latest negotiation, answered or not."""
        return max(self._of[pc].number, self._of[pc].offered)

    def offered(self, number: int) -> None:
        """The node offered on the subscriber."""
        self._of[PeerConnectionRole.SUBSCRIBER].offered = number

    def resumed(self, pc: PeerConnectionRole, number: int) -> None:
        """The client had come this far over another connection; its username fragment is not known here."""
        self._of[pc].number = number

    def check(self, pc: PeerConnectionRole, number: int, sdp: str) -> None:
        """Whether a description of the client may go on: raises `StaleMessage`, `InvalidDescription`."""
        if number < self._of[pc].number:
            raise StaleMessage(f"Negotiation {number} of the {pc} is over.")
        if not sdp.startswith("v=0") or "\nm=" not in sdp or not _UFRAG.search(sdp):
            raise InvalidDescription("This is not a session description with media and ICE (RFC 8866, RFC 8839).")

    def accepted(self, pc: PeerConnectionRole, number: int, sdp: str) -> list[IceCandidate | None]:
        """The description was taken. Returns the candidates that waited for it, in their order."""
        negotiation = self._of[pc]
        negotiation.number = number
        match = _UFRAG.search(sdp)
        negotiation.ufrag = match.group(1) if match else None
        waiting = [candidate for n, candidate in negotiation.early if n <= number]
        negotiation.early.clear()
        return [candidate for candidate in waiting if self._belongs(negotiation, candidate)]

    def candidate(self, pc: PeerConnectionRole, number: int, candidate: IceCandidate | None) -> bool:
        """Whether the candidate may go on now; else it waits for its description or is dropped."""
        negotiation = self._of[pc]
        if number > negotiation.number:
            negotiation.early.append((number, candidate))
            return False
        return self._belongs(negotiation, candidate)

    @staticmethod
    def _belongs(negotiation: _Negotiation, candidate: IceCandidate | None) -> bool:
        if candidate is None or negotiation.ufrag is None:
            return True
        return candidate.username_fragment in (None, negotiation.ufrag)
