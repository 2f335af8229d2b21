"""`chat`, `message`: what people say to each other."""

from control_plane.rooms.member import Member
from control_plane.rooms.service import RoomService
from control_plane.rooms.topics import Topics
from control_plane.signaling.endpoint import Handlers
from control_plane.signaling.messages import Chat, ChatResult, SendMessage


def handlers(service: RoomService, topics: Topics, member: Member) -> Handlers:
    async def chat(message: Chat) -> ChatResult:
        return await service.say(member, message)

    async def send(message: SendMessage) -> None:
        await topics.send(member, message)

    return {Chat: chat, SendMessage: send}
