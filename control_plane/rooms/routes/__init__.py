"""The REST API of rooms, one module for each kind of thing in it."""

from dataclasses import dataclass
from typing import Any

from control_plane.access.idempotency import Idempotency
from control_plane.http.operation import Operation
from control_plane.rooms.decisions import DecisionLog
from control_plane.rooms.moving import Mover
from control_plane.rooms.office import RoomOffice
from control_plane.rooms.removal import Removals
from control_plane.rooms.routes.attributes import AttributeRoutes
from control_plane.rooms.routes.bans import BanRoutes
from control_plane.rooms.routes.messages import MessageRoutes
from control_plane.rooms.routes.moves import MoveRoutes
from control_plane.rooms.routes.participants import ParticipantRoutes
from control_plane.rooms.routes.permissions import PermissionRoutes
from control_plane.rooms.routes.placement import PlacementRoutes
from control_plane.rooms.routes.policy import PolicyRoutes
from control_plane.rooms.routes.rooms import RoomRoutes
from control_plane.rooms.store import RoomStore

__all__ = ["RoomApi"]


@dataclass(frozen=True, slots=True)
class RoomApi:
    store: RoomStore
    office: RoomOffice
    removals: Removals
    mover: Mover
    idempotency: Idempotency
    decisions: DecisionLog

    def operations(self) -> list[Operation[Any, Any]]:
        return [
            *RoomRoutes(self.office, self.idempotency).operations(),
            *MoveRoutes(self.mover).operations(),
            *PolicyRoutes(self.office).operations(),
            *PlacementRoutes(self.office, self.decisions).operations(),
            *AttributeRoutes(self.office, self.store).operations(),
            *ParticipantRoutes(self.office, self.store, self.removals).operations(),
            *PermissionRoutes(self.store).operations(),
            *BanRoutes(self.removals, self.idempotency).operations(),
            *MessageRoutes(self.office, self.store, self.idempotency).operations(),
        ]
