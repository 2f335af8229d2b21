"""Which node takes a room, with capacity reserved for what is about to arrive there."""

from typing import Protocol

from control_plane.ids import NodeId
from control_plane.nodes.models import Need
from control_plane.nodes.registry import NodeRegistry
from media_adapters.models import RoomRef

STREAMS_OF_A_NEW_ROOM = 6
"""What the first people of a room soon carry: two who send sound and picture to each other, and a little."""


class Placing(Protocol):
    async def choose(self, room: RoomRef, purpose: str) -> NodeId:
        """A node with capacity reserved. Raises `NoCapacity`, `Unavailable`."""

    async def give_back(self, room: RoomRef, purpose: str, node: NodeId) -> None:
        """The room has settled on another node. Raises `Unavailable`."""


class RegistryPlacing:
    """Chooses among the nodes that the registry knows."""

    def __init__(self, registry: NodeRegistry) -> None:
        self._registry = registry

    async def choose(self, room: RoomRef, purpose: str) -> NodeId:
        need = Need(streams=STREAMS_OF_A_NEW_ROOM)
        return await self._registry.reserve(room.room, room.incarnation, purpose, need)

    async def give_back(self, room: RoomRef, purpose: str, node: NodeId) -> None:
        await self._registry.release(room.room, room.incarnation, purpose, node)
