"""What can go wrong with a room's state, beyond `control_plane.errors`."""

from control_plane.errors import StaleMessage


class Superseded(StaleMessage):
    """Somebody took over: the connection's generation or the driver's fence is not the latest. Stop, don't retry."""

    def __init__(self) -> None:
        super().__init__("A newer connection has taken over.")


class RoomGone(Exception):
    """The room was ended on purpose."""


class RoomMissing(Exception):
    """Redis knows nothing of the room: it came back empty, or the room ran out."""


class TokenReused(Exception):
    """A spent resume token was shown: both connections end."""
