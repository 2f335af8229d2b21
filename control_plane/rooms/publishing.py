"""Whether a client's offer sends only what its person may send. Pure.

Permissions are about sources, and a source is the client's word: so its kind must fit, and the m-section must carry
that kind, or a microphone could show pictures.
"""

import re
from collections.abc import Iterable

from control_plane.errors import InvalidDescription, NotAllowed
from control_plane.rooms.permissions import KIND_OF, Permissions
from media_adapters.models import PublishedTrack, TrackId

_SECTION = re.compile(r"^m=", re.MULTILINE)
_MID = re.compile(r"^a=mid:(\S+)", re.MULTILINE)


def check_offer(
    permissions: Permissions, sdp: str, tracks: Iterable[PublishedTrack], known: Iterable[TrackId] = ()
) -> None:
    """Raises `NotAllowed`, `InvalidDescription`.

    `known` tracks were allowed when they began: a client may not have heard yet that they are not any more, and its
    other tracks must not suffer.
    """
    kinds, known = _kinds(sdp), set(known)
    for track in tracks:
        if KIND_OF[track.source] is not track.kind or kinds.get(track.mid) != track.kind:
            raise InvalidDescription(f"The m-section {track.mid!r} does not carry what a {track.source} sends.")
        if track.source not in permissions.publish and track.id not in known:
            raise NotAllowed(f"You may not publish a {track.source} here.")


def _kinds(sdp: str) -> dict[str, str]:
    """The kind of media of each m-section, by its mid (RFC 8866 §5.14, RFC 5888 §9.1)."""
    kinds: dict[str, str] = {}
    for section in _SECTION.split(sdp)[1:]:
        mids = _MID.findall(section)
        if len(mids) > 1 or any(mid in kinds for mid in mids):
            raise InvalidDescription("Each m-section has one mid of its own (RFC 9143).")
        kinds.update((mid, section.partition(" ")[0]) for mid in mids)
    return kinds
