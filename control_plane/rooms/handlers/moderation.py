"""`permissions`."""

from control_plane.rooms.member import Member
from control_plane.rooms.moderation import Moderation
from control_plane.signaling.endpoint import Handlers
from control_plane.signaling.messages import ChangePermissions


def handlers(moderation: Moderation, member: Member) -> Handlers:
    async def permissions(message: ChangePermissions) -> None:
        await moderation.change_permissions(member, message)

    return {ChangePermissions: permissions}
