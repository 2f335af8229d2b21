"""The stages of a connection: a stranger may enter, who is in the lobby may leave, a member may do what members do."""

from dataclasses import dataclass
from functools import partial

from control_plane.rooms.handlers import chat, lobby, media, membership, moderation, people, tracks
from control_plane.rooms.ice import IceRefresh
from control_plane.rooms.media import MediaPlane
from control_plane.rooms.member import Member
from control_plane.rooms.moderation import Moderation
from control_plane.rooms.service import RoomService
from control_plane.rooms.topics import Topics
from control_plane.signaling.endpoint import Connection, Handlers


@dataclass(frozen=True, slots=True)
class Services:
    """Whom the handlers pass requests on to."""

    rooms: RoomService
    media: MediaPlane
    ice: IceRefresh
    topics: Topics
    moderation: Moderation


def greet(services: Services, connection: Connection) -> Handlers:
    """The handlers of a connection that has not joined."""
    service = services.rooms

    def admit(member: Member) -> None:
        connection.joined = True
        connection.on_closed = partial(service.detached, member)
        connection.handlers = membership.member_handlers(service, connection, member)
        if member.person.lobby:
            member.on_admitted = partial(come_in, member)
        else:
            connection.handlers = everything(member)

    def come_in(member: Member) -> None:
        connection.handlers = everything(member)
        service.come_in(member)

    def everything(member: Member) -> Handlers:
        return {
            **membership.member_handlers(service, connection, member),
            **media.handlers(services.media, services.ice, member),
            **tracks.handlers(service, member),
            **chat.handlers(service, services.topics, member),
            **people.handlers(service, member),
            **moderation.handlers(services.moderation, member),
            **lobby.handlers(services.moderation, member),
        }

    return membership.stranger_handlers(service, connection, admit)
