"""Is this candidate fit for an SFU?"""

from media_adapters.errors import InvalidDescription
from media_adapters.models import IceCandidate


def check_candidate(candidate: IceCandidate | None) -> IceCandidate | None:
    """The candidate, or None when it says that there are no more (RFC 8838 §8.2: by being empty).

    Raises `InvalidDescription`.
    """
    if candidate is None or not candidate.candidate:
        return None
    if not candidate.candidate.isprintable():
        raise InvalidDescription("A candidate is one line of text.")
    if candidate.sdp_mid is None and candidate.sdp_m_line_index is None:
        raise InvalidDescription("A candidate names its m-section.")
    return candidate
