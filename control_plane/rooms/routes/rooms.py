"""REST: rooms that were made here, or that people are in now."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from control_plane.access.idempotency import Idempotency, Repeatable
from control_plane.access.tokens import RoomName
from control_plane.errors import Conflict, NotAllowed, NotFound
from control_plane.http.errors import KeyReused
from control_plane.http.operation import Answer, Body, Caller, In, Nothing, Operation, Parameters
from control_plane.ids import RoomId, new_id
from control_plane.names import Attributes
from control_plane.rooms.office import KnownRoom, ListedRoom, RoomOffice
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.records import RoomRecord
from control_plane.rooms.routes.common import InRoom, Limit, by, own_room
from control_plane.rooms.routes.policy import Policy, PolicyRequest, policy_view


class RoomList(Parameters):
    prefix: Annotated[
        RoomName | None, In("query"), Field(description="Only rooms whose names begin so; within the key's own.")
    ] = None
    after: Annotated[RoomName | None, In("query"), Field(description="`next` of the page before.")] = None
    limit: Limit = 50


class RoomRequest(Body):
    """A room, before anybody is in it."""

    room: Annotated[
        RoomName | None, Field(description="Its name; left out, it gets one that begins as the key's rooms do.")
    ] = None
    policy: Annotated[PolicyRequest, Field(default_factory=PolicyRequest, description="How it is to be run.")]
    attributes: Annotated[
        Attributes, Field(default_factory=dict, description="What the application says of it, for itself.")
    ]


class LiveRoom(Answer):
    """What is so while people are in a room."""

    incarnation: Annotated[str, Field(description="Another one each time that the room comes to life.")]
    since: Annotated[int, Field(description="Milliseconds since 1970.")]
    participants: Annotated[int, Field(description="Also those who lost their connection and may resume.")]
    waiting: Annotated[int, Field(description="How many wait in the lobby.")]
    node: Annotated[str | None, Field(description="The media node that it is on, or goes to; null while on none.")]
    moving: Annotated[bool, Field(description="Whether it is on its way to another media node.")]


class Room(Answer):
    room: str
    created_at: Annotated[
        int | None, Field(description="Milliseconds since 1970; null for one that nobody made but who joined.")
    ]
    policy: Annotated[Policy, Field(description="In force.")]
    attributes: dict[str, str]
    live: Annotated[LiveRoom | None, Field(description="null while nobody is in it.")]


class RoomListed(Answer):
    room: str
    created_at: Annotated[int | None, Field(description="Milliseconds since 1970; null as for a room.")]
    live_since: Annotated[int | None, Field(description="Milliseconds since 1970; null while nobody is in it.")]
    participants: Annotated[int, Field(description="Also those who wait, or may resume.")]


class RoomPage(Answer):
    rooms: Annotated[list[RoomListed], Field(description="By name; a page may hold fewer than its limit.")]
    next: Annotated[str | None, Field(description="Give it as `after` for the next page; null at the end.")]


class RoomRoutes:
    def __init__(self, office: RoomOffice, idempotency: Idempotency) -> None:
        self._office = office
        self._idempotency = idempotency

    def operations(self) -> list[Operation[Any, Any]]:
        return [self._making(), self._listing(), self._showing(), self._closing(), self._deleting()]

    def _making(self) -> Operation[Repeatable, RoomRequest]:
        return Operation(
            name="createRoom", method="POST", path="/v1/rooms", tag="rooms",
            summary="Make a room",
            description="Says how it is to be run before anybody is in it. Are people in it already, it is run like "
            "this from now on. A room need not be made: a token for another name opens one that is run by default.",
            parameters=Repeatable, body=RoomRequest, answer=Room, status=201,
            errors=(NotAllowed, Conflict, KeyReused), handle=self._make, location="/v1/rooms/{room}",
        )  # fmt: skip

    def _listing(self) -> Operation[RoomList, Nothing]:
        return Operation(
            name="listRooms", method="GET", path="/v1/rooms", tag="rooms",
            summary="List rooms",
            description="By name, those of this key only: rooms that were made, and rooms that people are in. One that "
            "is new only by a join is listed within about a second.",
            parameters=RoomList, body=Nothing, answer=RoomPage, status=200,
            errors=(NotAllowed,), handle=self._list,
        )  # fmt: skip

    def _showing(self) -> Operation[InRoom, Nothing]:
        return Operation(
            name="getRoom", method="GET", path="/v1/rooms/{room}", tag="rooms",
            summary="Show a room",
            description="Who is in it is at `/participants`.",
            parameters=InRoom, body=Nothing, answer=Room, status=200,
            errors=(NotAllowed, NotFound), handle=self._show,
        )  # fmt: skip

    def _closing(self) -> Operation[InRoom, Nothing]:
        return Operation(
            name="closeRoom", method="POST", path="/v1/rooms/{room}/close", tag="rooms",
            summary="Send everybody away",
            description="The room's policy and attributes stay, and everybody's tokens open it again, as another "
            "incarnation.",
            parameters=InRoom, body=Nothing, answer=None, status=204,
            errors=(NotAllowed, NotFound), handle=self._close,
        )  # fmt: skip

    def _deleting(self) -> Operation[InRoom, Nothing]:
        return Operation(
            name="deleteRoom", method="DELETE", path="/v1/rooms/{room}", tag="rooms",
            summary="Delete a room",
            description="Everybody in it is sent away, and its policy and attributes are forgotten; bans are not. "
            "Their tokens still open a new room of this name.",
            parameters=InRoom, body=Nothing, answer=None, status=204,
            errors=(NotAllowed, NotFound), handle=self._delete,
        )  # fmt: skip

    async def _make(self, caller: Caller, parameters: Repeatable, body: RoomRequest) -> Room:
        if body.room is not None:
            caller.expect_room(body.room)
        once = await self._idempotency.first(caller, parameters, body, "createRoom")
        seed = None if once is None else once.seed
        name = body.room or _new_name(caller, seed)
        policy = RoomPolicy.model_validate(body.policy.given())
        record = RoomRecord(RoomId(name), policy, body.attributes)
        return room_view(await self._office.create(record, by(caller), seed))

    async def _list(self, caller: Caller, parameters: RoomList, _: Nothing) -> RoomPage:
        prefix = parameters.prefix or caller.room_prefix
        caller.expect_room(prefix)
        page = await self._office.page(prefix, parameters.after or "", parameters.limit)
        return RoomPage(rooms=[listed_view(each) for each in page.rooms], next=page.behind)

    async def _show(self, caller: Caller, parameters: InRoom, _: Nothing) -> Room:
        return room_view(await self._office.get(own_room(caller, parameters)))

    async def _close(self, caller: Caller, parameters: InRoom, _: Nothing) -> None:
        await self._office.close(own_room(caller, parameters), by(caller))

    async def _delete(self, caller: Caller, parameters: InRoom, _: Nothing) -> None:
        await self._office.remove(own_room(caller, parameters), by(caller))


def room_view(known: KnownRoom) -> Room:
    live = None
    if known.live is not None:
        waiting = sum(person.lobby for person in known.live.people.values())
        live = LiveRoom(
            incarnation=known.live.incarnation,
            since=known.live.created_at,
            participants=len(known.live.people) - waiting,
            waiting=waiting,
            node=known.live.home.node if known.live.home is not None else None,
            moving=known.live.moving,
        )
    created_at = known.record.created_at if known.record is not None else None
    return Room(
        room=known.room,
        created_at=_ms(created_at),
        policy=policy_view(known.policy),
        attributes=dict(known.attributes),
        live=live,
    )


def listed_view(listed: ListedRoom) -> RoomListed:
    return RoomListed(
        room=listed.room,
        created_at=_ms(listed.record.created_at if listed.record is not None else None),
        live_since=listed.live.created_at if listed.live is not None else None,
        participants=listed.live.participants if listed.live is not None else 0,
    )


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _new_name(caller: Caller, seed: str | None) -> str:
    """Letters and digits only; the same for the same request."""
    chosen = seed[:24] if seed is not None else new_id("r").removeprefix("r_").replace("_", "0").replace("-", "0")
    return f"{caller.room_prefix}{chosen}"[:128]
