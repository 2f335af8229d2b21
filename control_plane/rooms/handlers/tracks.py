"""`track.update`, `subscribe`."""

from control_plane.rooms.member import Member
from control_plane.rooms.service import RoomService
from control_plane.signaling.endpoint import Handlers
from control_plane.signaling.messages import Subscribe, TrackUpdate


def handlers(service: RoomService, member: Member) -> Handlers:
    async def update(message: TrackUpdate) -> None:
        await service.update_track(member, message)

    async def subscribe(message: Subscribe) -> None:
        await service.subscribe(member, message)

    return {TrackUpdate: update, Subscribe: subscribe}
