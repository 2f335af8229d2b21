"""What can go wrong with a room's state, beyond `control_plane.errors`."""

from control_plane.errors import ControlPlaneError, NotFound, StaleMessage
from control_plane.http.errors import PreconditionFailed
from control_plane.ids import RoomId


class Kicked(ControlPlaneError):
    """A moderator ended the stay; only a token issued later lets in again."""

    code, status = "kicked", 403


class Banned(ControlPlaneError):
    """No token lets this identity in."""

    code, status = "banned", 403


class RoomLocked(ControlPlaneError):
    """Only moderators get in."""

    code, status = "room_locked", 403

    def __init__(self) -> None:
        super().__init__("This room is locked: nobody new gets in until a moderator unlocks it.")


class LobbyFull(ControlPlaneError):
    """Too many wait to be let in."""

    code, status = "lobby_full", 409

    def __init__(self, capacity: int) -> None:
        super().__init__(f"At most {capacity} people wait for this room at once. Try again later.")


class NoWaiting(ControlPlaneError):
    """A publisher by HTTP can't wait in a lobby: it has no connection on which to be told that the wait is over."""

    code, status = "lobby", 403

    def __init__(self) -> None:
        super().__init__("This room has a lobby, in which an encoder can't wait: its token needs the moderate grant.")


class ChangedMeanwhile(PreconditionFailed):
    """What is to be changed is not any more what the caller has read."""

    def __init__(self) -> None:
        super().__init__("It was changed since you read it: read it again.")


class Superseded(StaleMessage):
    """Somebody took over: the connection's generation or the driver's fence is not the latest. Stop, don't retry."""

    def __init__(self) -> None:
        super().__init__("A newer connection has taken over.")


class RoomGone(ControlPlaneError):
    """The room was ended on purpose."""

    code, status = "room_closed", 410

    def __init__(self, room: RoomId) -> None:
        super().__init__("This room has been closed.")
        self.room = room


class RoomMissing(ControlPlaneError):
    """Redis knows nothing of the room: it came back empty, or the room ran out."""

    code, status, retryable = "unavailable", 503, True

    def __init__(self, room: RoomId) -> None:
        super().__init__("This room is not there now; it may be about to be put together again.")
        self.room = room


class PersonMissing(NotFound):
    """Redis does not know the participant who acts: it left, was removed, or Redis came back without it."""

    code, status, retryable = "unavailable", 503, True

    def __init__(self) -> None:
        super().__init__("Your place in the room is being restored: try again.", retry_after_ms=500)


class TokenReused(Exception):
    """A spent resume token was shown: both connections end."""
