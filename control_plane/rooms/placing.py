"""Which node takes a room, with capacity reserved for what is about to arrive there."""

from dataclasses import dataclass
from typing import Protocol

from control_plane.ids import NodeId
from control_plane.nodes.models import Need, Node
from control_plane.nodes.registry import NodeRegistry
from media_adapters.models import RoomRef

STREAMS_OF_A_NEW_ROOM = 6
"""What the first people of a room soon carry: two who send sound and picture to each other, and a little."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where something is to be: on `node`, on one of `backend`, on any, but on none of `avoid`; with room for so many
    `streams`, at least those of a new room."""

    node: NodeId | None = None
    backend: str | None = None
    avoid: frozenset[NodeId] = frozenset()
    streams: int = 0

    def admits(self, node: Node) -> bool:
        fits = self.node in (None, node.id) and self.backend in (None, node.backend)
        return fits and node.id not in self.avoid


ANYWHERE = Target()


class Placing(Protocol):
    async def choose(self, room: RoomRef, purpose: str, target: Target = ANYWHERE) -> NodeId:
        """A node with capacity reserved. Raises `NoCapacity`, `Unavailable`."""

    async def give_back(self, room: RoomRef, purpose: str, node: NodeId) -> None:
        """The room has settled on another node. Raises `Unavailable`."""


class RegistryPlacing:
    """Chooses among the nodes that the registry knows."""

    def __init__(self, registry: NodeRegistry) -> None:
        self._registry = registry

    async def choose(self, room: RoomRef, purpose: str, target: Target = ANYWHERE) -> NodeId:
        others = {node.id for node in self._registry.nodes.values() if not target.admits(node)}
        need = Need(streams=max(STREAMS_OF_A_NEW_ROOM, target.streams), avoid=target.avoid | others)
        return await self._registry.reserve(room.room, room.incarnation, purpose, need)

    async def give_back(self, room: RoomRef, purpose: str, node: NodeId) -> None:
        await self._registry.release(room.room, room.incarnation, purpose, node)
