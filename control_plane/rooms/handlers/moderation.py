"""`permissions`, `participant.mute`, `kick`, `ban`."""

from control_plane.rooms.member import Member
from control_plane.rooms.moderation import Moderation
from control_plane.signaling.endpoint import Handlers
from control_plane.signaling.messages import Ban, ChangePermissions, Kick, MuteParticipant


def handlers(moderation: Moderation, member: Member) -> Handlers:
    async def permissions(message: ChangePermissions) -> None:
        await moderation.change_permissions(member, message)

    async def mute(message: MuteParticipant) -> None:
        await moderation.mute(member, message)

    async def kick(message: Kick) -> None:
        await moderation.kick(member, message)

    async def ban(message: Ban) -> None:
        await moderation.ban(member, message)

    return {ChangePermissions: permissions, MuteParticipant: mute, Kick: kick, Ban: ban}
