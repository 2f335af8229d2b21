"""What can go wrong with live state, beside `control_plane.errors.Unavailable`.

Unavailable            Redis can't be reached now, or was lost while the command was in flight: unknown whether it acted
RedisReplyError        Redis answered with an error: a fault of ours, such as a script that fails
RedisUnreachable       there is no usable Redis when the process starts; the sentence says what to do
"""

from control_plane.errors import Unavailable


class RedisReplyError(Exception):
    """Redis refused a command. `code` is the first word of its answer, such as `WRONGTYPE`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = message.partition(" ")[0]


class RedisUnreachable(Exception):
    """Raised at start only; later the connection comes back by itself."""


_PASSING = {"LOADING", "BUSY", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "READONLY", "NOREPLICAS", "OOM"}


def unavailable() -> Unavailable:
    return Unavailable("Live state can't be reached now.")


def from_reply(message: str) -> Unavailable | RedisReplyError:
    """The error for an error reply: states that pass (a fail-over, loading, no memory) may be tried again later."""
    error = RedisReplyError(message)
    return unavailable() if error.code in _PASSING else error
