"""The way from a member to its media node, and back: what nodes raise becomes what clients are told."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import structlog

from control_plane import errors
from control_plane.errors import ControlPlaneError
from control_plane.ids import NodeId
from control_plane.rooms.domain import Person, RoomState
from control_plane.rooms.errors import Superseded
from control_plane.rooms.member import Member
from control_plane.rooms.placed import Placed
from media_adapters import errors as media_errors
from media_adapters.contract import MediaNode
from media_adapters.errors import MediaError

log = structlog.get_logger()

_TRANSLATIONS: dict[type[MediaError], type[ControlPlaneError]] = {
    media_errors.InvalidDescription: errors.InvalidDescription,
    media_errors.StaleNegotiation: errors.StaleMessage,
    media_errors.RoomNotFound: errors.NotFound,
    media_errors.PeerNotFound: errors.NotFound,
    media_errors.TrackNotFound: errors.NotFound,
    media_errors.Unsupported: errors.NotSupported,
    media_errors.NodeBusy: errors.NoCapacity,
    media_errors.NodeTimeout: errors.MediaUnavailable,
    media_errors.NodeGone: errors.MediaUnavailable,
}


class Nodes(Protocol):
    """The way to the media nodes."""

    async def acting(self, node: NodeId, *, generation: int) -> MediaNode:
        """The node, commanded with a connection's generation. Raises `NodeGone` while there is no way to it."""


class NodeAccess:
    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def commanding(self, member: Member, placed: Placed) -> AbstractAsyncContextManager[MediaNode]:
        """The node of one of the member's placements, with the authority of its connection; media errors become the
        client's errors."""
        return self._commanding(placed.node, member.generation)

    def commanding_for(self, state: RoomState, person: Person) -> AbstractAsyncContextManager[MediaNode]:
        """The same for a person whose connection may be at another replica."""
        leg = state.legs.get(person.leg)
        return self._commanding(None if leg is None else leg.node, person.generation)

    @asynccontextmanager
    async def _commanding(self, node: NodeId | None, generation: int) -> AsyncIterator[MediaNode]:
        if node is None:
            raise errors.MediaUnavailable("The room's media node is not known here yet.", retry_after_ms=200)
        try:
            yield await self._nodes.acting(node, generation=generation)
        except media_errors.Superseded as error:
            raise Superseded from error
        except MediaError as error:
            kind = _TRANSLATIONS.get(type(error), errors.Internal)
            raise kind(str(error) or "The media node failed.") from error


def node_of(member: Member) -> NodeId | None:
    """Where the room wants its media, whether or not its client was told yet."""
    leg = member.room.state.legs.get(member.person.leg)
    return leg.node if leg else None


@asynccontextmanager
async def tolerating(member: Member, event: str) -> AsyncIterator[None]:
    """What runs in the background is healed by the next look at the room; here it is only said."""
    try:
        yield
    except ControlPlaneError as error:
        log.info(event, room=member.room.room, participant=member.id, reason=error.code)
