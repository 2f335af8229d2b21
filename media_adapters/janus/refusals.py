"""Janus's numbers, as errors of the media contract."""

from collections.abc import Iterator
from contextlib import contextmanager

from media_adapters.errors import (
    InvalidDescription,
    MediaError,
    NodeBusy,
    NodeGone,
    PeerNotFound,
    RoomNotFound,
    TrackNotFound,
)
from media_adapters.janus.client import NO_SUCH_HANDLE, NO_SUCH_SESSION, JanusError

ROOM_EXISTS = 427
NO_SUCH_ROOM = 426
NO_SUCH_FEED = 428

_ERRORS: dict[int, tuple[type[MediaError], str]] = {
    NO_SUCH_ROOM: (RoomNotFound, "Janus does not know this room (any more)."),
    NO_SUCH_FEED: (TrackNotFound, "Janus does not know this track (any more)."),
    431: (InvalidDescription, "This connection takes no description of that type."),
    432: (NodeBusy, "The room takes no more publishers."),
    433: (PeerNotFound, "The participant was removed from the room."),
    437: (InvalidDescription, "Janus can't use this description."),
    456: (InvalidDescription, "Janus can't use this candidate."),
    NO_SUCH_SESSION: (NodeGone, "Janus has dropped the adapter's session."),
    NO_SUCH_HANDLE: (PeerNotFound, "Janus has dropped this connection."),
    464: (InvalidDescription, "This is neither an offer nor an answer."),
    465: (InvalidDescription, "Janus can't use this description."),
    466: (InvalidDescription, "Janus can't use this candidate."),
    467: (InvalidDescription, "Janus can't use this candidate."),
    469: (InvalidDescription, "Janus expects no answer now."),
    471: (NodeBusy, "Janus still cleans up after an earlier connection."),
    472: (NodeBusy, "Janus takes no new sessions: it is draining."),
}


@contextmanager
def translated() -> Iterator[None]:
    """Turns a `JanusError` into the error of the contract that says whose fault it was."""
    try:
        yield
    except JanusError as error:
        kind, sentence = _ERRORS.get(error.code, (MediaError, str(error)))
        raise kind(sentence) from error
