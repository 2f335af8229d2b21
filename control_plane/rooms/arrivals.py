"""The way of a participant from the join to the first media, told to whoever measures it."""

from enum import StrEnum
from typing import Protocol

from control_plane.ids import NodeId


class Milestone(StrEnum):
    """In the order in which they are reached. Not everybody comes past all of them."""

    VERIFIED = "verified"
    """The token is good, and nothing keeps its bearer out."""
    ENTERED = "entered"
    """The room has them, and so has our copy of it."""
    PLACED = "placed"
    """The room has a media node; who came first had it chosen."""
    JOINED = "joined"
    """The reply is on its way. Who has to wait in the lobby does not get here."""
    OFFERED = "offered"
    """The first offer has come by, from either side."""
    ANSWERED = "answered"
    """So has the first answer."""
    FLOWING = "flowing"
    """The client says that all it wants flows; of who came by HTTP, the node says that media arrive, or that the player
    is connected."""


class Journey(Protocol):
    """Whoever implements it neither raises nor waits."""

    def reached(self, milestone: Milestone, node: NodeId | None = None) -> None:
        """Now; of one that was reached before nothing is noted. `node` is where they were placed."""

    def ended(self, code: str) -> None:
        """It goes no further: the join was refused, or led to the lobby, or the stay ended before any media. `code` is
        the error's, or a word for the reason. No-op after the end."""


class Arrivals(Protocol):
    def joining(self, *, by_http: bool) -> Journey:
        """Somebody asks to join. `by_http`: to publish or play without signaling."""

    def resumed(self, outcome: str) -> None:
        """Somebody has resumed, or was refused: `ok`, or the error's code."""
