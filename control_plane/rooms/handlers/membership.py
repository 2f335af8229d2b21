"""`join`, `resume`, `leave`."""

from collections.abc import Callable

from control_plane.rooms.member import Member
from control_plane.rooms.service import RoomService
from control_plane.signaling.endpoint import Connection, Handlers
from control_plane.signaling.messages import CloseCode, Join, JoinedResult, Leave, Resume, ResumedResult


def stranger_handlers(service: RoomService, connection: Connection, admit: Callable[[Member], None]) -> Handlers:
    """`admit` is called with the member that the connection has become."""

    async def join(message: Join) -> JoinedResult:
        if message.region is None:
            message = message.model_copy(update={"region": connection.region})
        member, result = await service.join(connection, message)
        admit(member)
        return result

    async def resume(message: Resume) -> ResumedResult:
        member, result = await service.resume(connection, message)
        admit(member)
        return result

    return {Join: join, Resume: resume}


def member_handlers(service: RoomService, connection: Connection, member: Member) -> Handlers:
    async def leave(_: Leave) -> None:
        await service.leave(member)
        connection.close(CloseCode.ENDED, "left")

    return {Leave: leave}
