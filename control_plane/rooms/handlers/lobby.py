"""`lobby.admit`, `lobby.deny`, `lock`: who gets into the room."""

from control_plane.rooms.member import Member
from control_plane.rooms.moderation import Moderation
from control_plane.signaling.endpoint import Handlers
from control_plane.signaling.messages import AdmitFromLobby, DenyFromLobby, Lock


def handlers(moderation: Moderation, member: Member) -> Handlers:
    async def admit(message: AdmitFromLobby) -> None:
        await moderation.admit(member, message)

    async def deny(message: DenyFromLobby) -> None:
        await moderation.deny(member, message)

    async def lock(message: Lock) -> None:
        await moderation.lock(member, message)

    return {AdmitFromLobby: admit, DenyFromLobby: deny, Lock: lock}
