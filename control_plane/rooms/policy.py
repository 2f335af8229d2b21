"""How a room is to be run: what integrators say of a name. A live room keeps a copy, which moderators may change."""

from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from control_plane.ids import RoomId

HandOver = Literal["none", "longest_present", "longest_present_known"]
Topology = Literal["auto", "p2p", "sfu"]


class RoomPolicy(BaseModel):
    """Frozen, and kept as JSON: fields that a newer version added are ignored by an older one."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    capacity: Annotated[int, Field(ge=1, le=1000)] = 100
    """How many people are in the room at once; those who wait in the lobby don't count."""

    lobby: bool = False
    """Whether people wait until a moderator lets them in. Moderators and hidden people don't wait."""
    lobby_capacity: Annotated[int, Field(ge=1, le=1000)] = 100
    """How many may wait at once."""
    lobby_timeout_s: Annotated[int | None, Field(ge=10, le=24 * 3600)] = 3600
    """After how long somebody who waits is sent away; None: never."""

    locked: bool = False
    """Whether nobody new gets in, moderators excepted. Who is in stays in, and resumes."""

    hand_over: HandOver = "none"
    """Who becomes moderator when the last one has left for good: nobody; who has been there longest, guests after
    people whom their token names; or the same without guests. Hidden people never do."""

    topology: Topology = "auto"
    """How media flow: between two directly and through a server from the third on; always directly; always through a
    server."""
    relay_only: bool = False
    """Whether media go through relays, so that nobody learns anybody's address."""

    retention_days: Annotated[int | None, Field(ge=1, le=3650)] = None
    """After how many days recordings are deleted; None: when somebody deletes them."""


class Policies(Protocol):
    """What integrators have said of rooms."""

    async def get(self, room: RoomId) -> RoomPolicy:
        """The policy of a room that is about to be made; the default for one that nobody spoke of. Never raises: what
        is not known now is answered from memory, or with the default."""


class DefaultPolicies:
    """Nobody said anything of any room."""

    async def get(self, room: RoomId) -> RoomPolicy:  # noqa: ARG002 - the protocol's signature
        return RoomPolicy()
