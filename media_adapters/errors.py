"""What can go wrong on a media node. Adapters translate their SFU's errors into these, with `raise … from`.

MediaError
├── InvalidDescription   the SDP, candidate or track list is not usable: the client's fault
├── StaleNegotiation     the message belongs to a negotiation that is over
├── RoomNotFound         the room is not (or no longer) on this node
├── PeerNotFound         the participant is not (or no longer) on this node
├── TrackNotFound        the track is not (or no longer) published here
├── Superseded           somebody with a higher fence or generation took over: stop, do not retry
├── Unsupported          the adapter does not declare this capability
├── NodeBusy             the node takes no more; another may
├── NodeTimeout          the SFU did not answer in time: unknown whether it acted
└── NodeGone             the SFU, its agent or the way to it is dead

`code` is what travels over the node RPC.
"""

from typing import ClassVar


class MediaError(Exception):
    """Base of all. `retryable` says whether the same call may succeed later on the same node."""

    code: ClassVar[str] = "media_error"
    retryable: ClassVar[bool] = False


class InvalidDescription(MediaError):
    code = "invalid_description"


class StaleNegotiation(MediaError):
    code = "stale_negotiation"


class RoomNotFound(MediaError):
    code = "room_not_found"


class PeerNotFound(MediaError):
    code = "peer_not_found"


class TrackNotFound(MediaError):
    code = "track_not_found"


class Superseded(MediaError):
    code = "superseded"


class Unsupported(MediaError):
    code = "unsupported"


class NodeBusy(MediaError):
    code = "node_busy"
    retryable = True


class NodeTimeout(MediaError):
    code = "node_timeout"
    retryable = True


class NodeGone(MediaError):
    code = "node_gone"
    retryable = True


_BY_CODE: dict[str, type[MediaError]] = {
    error.code: error
    for error in (
        MediaError,
        InvalidDescription,
        StaleNegotiation,
        RoomNotFound,
        PeerNotFound,
        TrackNotFound,
        Superseded,
        Unsupported,
        NodeBusy,
        NodeTimeout,
        NodeGone,
    )
}


def from_code(code: str, message: str) -> MediaError:
    """The error that travelled as `code`; a code of a newer version becomes a plain `MediaError`."""
    return _BY_CODE.get(code, MediaError)(message)
