"""What the operations on rooms have in common: their parameters, and looking somebody up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import Field

from control_plane.access.tokens import RoomName
from control_plane.errors import NotFound
from control_plane.http.operation import Caller, In, Parameters
from control_plane.ids import ParticipantId, RoomId
from control_plane.rooms.domain import Person, RoomState
from control_plane.rooms.errors import RoomGone, RoomMissing
from control_plane.rooms.store import RoomStore

ParticipantText = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
TrackText = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Limit = Annotated[int, In("query"), Field(ge=1, le=100, description="How many on a page, at most.")]


class InRoom(Parameters):
    room: Annotated[RoomName, In("path"), Field(description="The room's name.")]


class OfParticipant(InRoom):
    participant: Annotated[
        ParticipantText, In("path"), Field(description="The participant's id, which is another in each stay.")
    ]

    @property
    def who(self) -> ParticipantId:
        return ParticipantId(self.participant)


def own_room(caller: Caller, parameters: InRoom) -> RoomId:
    """Raises `NotAllowed`."""
    caller.expect_room(parameters.room)
    return RoomId(parameters.room)


@contextmanager
def in_live_room() -> Iterator[None]:
    """Turns what is said of rooms that nobody is in into `NotFound`."""
    try:
        yield
    except (RoomGone, RoomMissing) as error:
        raise NotFound("Nobody is in such a room now.") from error


async def live_room(store: RoomStore, room: RoomId) -> RoomState:
    """Raises `NotFound`."""
    with in_live_room():
        return await store.snapshot(room)


async def somebody(store: RoomStore, room: RoomId, participant: ParticipantId) -> tuple[RoomState, Person]:
    """Raises `NotFound`."""
    state = await live_room(store, room)
    person = state.people.get(participant)
    if person is None:
        raise NotFound("There is no such participant in this room now.")
    return state, person


def by(caller: Caller) -> str:
    """How it is written down who did it."""
    return f"key:{caller.key}"
