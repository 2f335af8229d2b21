"""`hand`, `attributes`: what people say of themselves."""

from control_plane.rooms.member import Member
from control_plane.rooms.service import RoomService
from control_plane.signaling.endpoint import Handlers
from control_plane.signaling.messages import ChangeAttributes, RaiseHand


def handlers(service: RoomService, member: Member) -> Handlers:
    async def hand(message: RaiseHand) -> None:
        await service.raise_hand(member, message)

    async def attributes(message: ChangeAttributes) -> None:
        await service.change_attributes(member, message)

    return {RaiseHand: hand, ChangeAttributes: attributes}
