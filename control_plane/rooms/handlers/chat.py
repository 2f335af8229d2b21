"""`chat`."""

from control_plane.rooms.member import Member
from control_plane.rooms.service import RoomService
from control_plane.signaling.endpoint import Handlers
from control_plane.signaling.messages import Chat, ChatResult


def handlers(service: RoomService, member: Member) -> Handlers:
    async def chat(message: Chat) -> ChatResult:
        return await service.say(member, message)

    return {Chat: chat}
