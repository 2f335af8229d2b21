"""`description`, `candidate`, `restart`, `ready`."""

from control_plane.rooms.ice import IceRefresh
from control_plane.rooms.media import MediaPlane
from control_plane.rooms.member import Member
from control_plane.signaling.endpoint import Handlers
from control_plane.signaling.messages import Candidate, Description, Ready, Restart


def handlers(media: MediaPlane, ice: IceRefresh, member: Member) -> Handlers:
    async def description(message: Description) -> None:
        await media.description(member, message)

    async def candidate(message: Candidate) -> None:
        await media.candidate(member, message)

    async def restart(message: Restart) -> None:
        await ice.restart(member, message)

    async def ready(message: Ready) -> None:
        await media.ready(member, message.epoch)

    return {Description: description, Candidate: candidate, Restart: restart, Ready: ready}
