"""REST: rooms that are live now."""

from typing import Annotated, Literal

from pydantic import Field

from control_plane.access.tokens import RoomName
from control_plane.errors import NotAllowed, NotFound
from control_plane.http.operation import Answer, Caller, In, Nothing, Operation, Parameters
from control_plane.ids import RoomId
from control_plane.rooms.domain import RoomState
from control_plane.rooms.errors import RoomGone, RoomMissing
from control_plane.rooms.index import RoomIndex
from control_plane.rooms.store import RoomStore
from media_adapters.models import TrackKind, TrackSource

_NO_ROOM = "There is no such room now."


class RoomParameters(Parameters):
    room: Annotated[RoomName, In("path"), Field(description="The room's name.")]


class ListParameters(Parameters):
    prefix: Annotated[
        RoomName | None, In("query"), Field(description="Only rooms whose names begin so; within the key's own.")
    ] = None
    after: Annotated[RoomName | None, In("query"), Field(description="`next` of the page before.")] = None
    limit: Annotated[int, In("query"), Field(ge=1, le=100, description="Rooms on a page, at most.")] = 50


class RoomListed(Answer):
    room: str
    created_at: Annotated[int, Field(description="Milliseconds since 1970.")]
    participants: Annotated[int, Field(description="Also those who lost their connection and may resume.")]


class RoomPage(Answer):
    rooms: Annotated[list[RoomListed], Field(description="By name; a page may hold fewer than its limit.")]
    next: Annotated[str | None, Field(description="Give it as `after` for the next page; null at the end.")]


class TrackView(Answer):
    id: str
    kind: TrackKind
    source: TrackSource
    muted: bool


class ParticipantView(Answer):
    id: str
    identity: str
    name: str
    connected: Annotated[bool, Field(description="False while a lost connection may still resume.")]
    joined_at: Annotated[int, Field(description="Milliseconds since 1970.")]
    topology: Literal["waiting", "p2p", "sfu"]
    tracks: list[TrackView]


class RoomView(Answer):
    room: str
    created_at: Annotated[int, Field(description="Milliseconds since 1970.")]
    capacity: int
    participants: list[ParticipantView]


class RoomRoutes:
    def __init__(self, store: RoomStore, index: RoomIndex) -> None:
        self._store = store
        self._index = index

    def operations(self) -> list[Operation[ListParameters, Nothing] | Operation[RoomParameters, Nothing]]:
        return [self._listing(), self._showing(), self._closing()]

    def _listing(self) -> Operation[ListParameters, Nothing]:
        return Operation(
            name="listRooms", method="GET", path="/v1/rooms", tag="rooms",
            summary="List the rooms that are live",
            description="By name, those of this key only. A new room is listed within about a second.",
            parameters=ListParameters, body=Nothing, answer=RoomPage, status=200,
            errors=(NotAllowed,), handle=self._list,
        )  # fmt: skip

    def _showing(self) -> Operation[RoomParameters, Nothing]:
        return Operation(
            name="getRoom", method="GET", path="/v1/rooms/{room}", tag="rooms",
            summary="Show a room and who is in it",
            description="Hidden participants are shown too.",
            parameters=RoomParameters, body=Nothing, answer=RoomView, status=200,
            errors=(NotAllowed, NotFound), handle=self._show,
        )  # fmt: skip

    def _closing(self) -> Operation[RoomParameters, Nothing]:
        return Operation(
            name="closeRoom", method="DELETE", path="/v1/rooms/{room}", tag="rooms",
            summary="Close a room",
            description="Everybody in it is sent away. Their tokens still open a new room of this name.",
            parameters=RoomParameters, body=Nothing, answer=None, status=204,
            errors=(NotAllowed, NotFound), handle=self._close,
        )  # fmt: skip

    async def _list(self, caller: Caller, parameters: ListParameters, _: Nothing) -> RoomPage:
        prefix = parameters.prefix or caller.room_prefix
        caller.expect_room(prefix)
        found, behind = await self._index.page(prefix, parameters.after or "", parameters.limit)
        listed = [
            RoomListed(room=each.room, created_at=each.created_at, participants=each.participants) for each in found
        ]
        return RoomPage(rooms=listed, next=behind)

    async def _show(self, caller: Caller, parameters: RoomParameters, _: Nothing) -> RoomView:
        return room_view(await self._state(caller, parameters))

    async def _close(self, caller: Caller, parameters: RoomParameters, _: Nothing) -> None:
        state = await self._state(caller, parameters)
        await self._store.close(state.room, state.incarnation)

    async def _state(self, caller: Caller, parameters: RoomParameters) -> RoomState:
        caller.expect_room(parameters.room)
        try:
            return await self._store.snapshot(RoomId(parameters.room))
        except (RoomGone, RoomMissing) as error:
            raise NotFound(_NO_ROOM) from error


def room_view(state: RoomState) -> RoomView:
    people = sorted(state.people.values(), key=lambda person: (person.joined_at, person.id))
    return RoomView(
        room=state.room,
        created_at=state.created_at,
        capacity=state.capacity,
        participants=[
            ParticipantView(
                id=person.id,
                identity=person.identity,
                name=person.name,
                connected=person.connected,
                joined_at=person.joined_at,
                topology=person.topology,
                tracks=[
                    TrackView(id=track.id, kind=track.kind, source=track.source, muted=track.muted)
                    for track in state.tracks.values()
                    if track.participant == person.id
                ],
            )
            for person in people
        ],
    )
