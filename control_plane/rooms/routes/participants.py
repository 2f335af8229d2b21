"""REST: who is in a room now, and what is done to them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from control_plane.errors import NotAllowed, NotFound, RoomFull
from control_plane.http.operation import Answer, Body, Caller, In, Nothing, Operation
from control_plane.ids import TrackId
from control_plane.names import IdentityText, PlainText
from control_plane.rooms.domain import Person, RoomState
from control_plane.rooms.office import RoomOffice
from control_plane.rooms.removal import Order, Removals
from control_plane.rooms.routes.common import (
    InRoom,
    Limit,
    OfParticipant,
    ParticipantText,
    TrackText,
    by,
    own_room,
    somebody,
)
from control_plane.rooms.routes.permissions import Permissions, permissions_view
from control_plane.rooms.store import RoomStore
from media_adapters.models import TrackKind, TrackSource

_PATH = "/v1/rooms/{room}/participants"
_ONE = f"{_PATH}/{{participant}}"
MAX_REASON = 500


class ParticipantList(InRoom):
    identity: Annotated[IdentityText | None, In("query"), Field(description="Only who came with this identity.")] = None
    after: Annotated[ParticipantText | None, In("query"), Field(description="`next` of the page before.")] = None
    limit: Limit = 50


class OfTrack(OfParticipant):
    track: Annotated[TrackText, In("path"), Field(description="The track's id.")]


class Track(Answer):
    id: str
    kind: TrackKind
    source: TrackSource
    muted: bool


class Participant(Answer):
    id: str
    identity: Annotated[str, Field(description="Of the token; a guest's is made up for one stay.")]
    name: str
    state: Annotated[
        Literal["waiting", "connected", "away"],
        Field(description="In the lobby, in the room, or in it with a lost connection that may resume."),
    ]
    joined_at: Annotated[int, Field(description="Milliseconds since 1970; of who waits, since when.")]
    hand_raised_at: Annotated[int | None, Field(description="Milliseconds since 1970; null while it is down.")]
    topology: Annotated[Literal["waiting", "p2p", "sfu"], Field(description="How their media flow.")]
    permissions: Permissions
    attributes: dict[str, str]
    tracks: list[Track]


class ParticipantPage(Answer):
    participants: Annotated[list[Participant], Field(description="By id.")]
    next: Annotated[str | None, Field(description="Give it as `after` for the next page; null at the end.")]


class KickRequest(Body):
    reason: Annotated[PlainText, Field(max_length=MAX_REASON, description="Told to them when they come back.")] = ""


class MuteRequest(Body):
    source: Annotated[TrackSource, Field(description="All that they send of it now.")]


class ParticipantRoutes:
    def __init__(self, office: RoomOffice, store: RoomStore, removals: Removals) -> None:
        self._office = office
        self._store = store
        self._removals = removals

    def operations(self) -> list[Operation[Any, Any]]:
        return [
            self._listing(), self._showing(), self._muting(), self._muting_track(), self._stopping(), self._lowering(),
            self._admitting(), self._denying(), self._kicking(),
        ]  # fmt: skip

    def _listing(self) -> Operation[ParticipantList, Nothing]:
        return Operation(
            name="listParticipants", method="GET", path=_PATH, tag="participants",
            summary="List who is in a room",
            description="Also hidden people, and those who wait in the lobby.",
            parameters=ParticipantList, body=Nothing, answer=ParticipantPage, status=200,
            errors=(NotAllowed, NotFound), handle=self._list,
        )  # fmt: skip

    def _showing(self) -> Operation[OfParticipant, Nothing]:
        return Operation(
            name="getParticipant", method="GET", path=_ONE, tag="participants",
            summary="Show a participant",
            description="What they send and what they may do.",
            parameters=OfParticipant, body=Nothing, answer=Participant, status=200,
            errors=(NotAllowed, NotFound), handle=self._show,
        )  # fmt: skip

    def _muting(self) -> Operation[OfParticipant, MuteRequest]:
        return Operation(
            name="muteParticipant", method="POST", path=f"{_ONE}/mute", tag="participants",
            summary="Mute a source of a participant",
            description="Nobody hears or sees it, and the media node stops to forward it, until they unmute it "
            "themselves. Take the permission to send it away to have it stay so.",
            parameters=OfParticipant, body=MuteRequest, answer=None, status=204,
            errors=(NotAllowed, NotFound), handle=self._mute,
        )  # fmt: skip

    def _muting_track(self) -> Operation[OfTrack, Nothing]:
        return Operation(
            name="muteTrack", method="POST", path=f"{_ONE}/tracks/{{track}}/mute", tag="participants",
            summary="Mute a track",
            description="As a source, but this track alone.",
            parameters=OfTrack, body=Nothing, answer=None, status=204,
            errors=(NotAllowed, NotFound), handle=self._mute_track,
        )  # fmt: skip

    def _stopping(self) -> Operation[OfTrack, Nothing]:
        return Operation(
            name="stopTrack", method="DELETE", path=f"{_ONE}/tracks/{{track}}", tag="participants",
            summary="Stop a track",
            description="It ends for everybody and does not come back; another may be begun.",
            parameters=OfTrack, body=Nothing, answer=None, status=204,
            errors=(NotAllowed, NotFound), handle=self._stop,
        )  # fmt: skip

    def _lowering(self) -> Operation[OfParticipant, Nothing]:
        return Operation(
            name="lowerHand", method="DELETE", path=f"{_ONE}/hand", tag="participants",
            summary="Lower a participant's hand",
            description="One that is down stays so.",
            parameters=OfParticipant, body=Nothing, answer=None, status=204,
            errors=(NotAllowed, NotFound), handle=self._lower,
        )  # fmt: skip

    def _admitting(self) -> Operation[OfParticipant, Nothing]:
        return Operation(
            name="admitParticipant", method="POST", path=f"{_ONE}/admit", tag="participants",
            summary="Let somebody in who waits",
            description="Who does not wait in the lobby is not found.",
            parameters=OfParticipant, body=Nothing, answer=None, status=204,
            errors=(NotAllowed, NotFound, RoomFull), handle=self._admit,
        )  # fmt: skip

    def _denying(self) -> Operation[OfParticipant, Nothing]:
        return Operation(
            name="denyParticipant", method="POST", path=f"{_ONE}/deny", tag="participants",
            summary="Send somebody away who waits",
            description="They may come and wait again; kick or ban them to keep them out.",
            parameters=OfParticipant, body=Nothing, answer=None, status=204,
            errors=(NotAllowed, NotFound), handle=self._deny,
        )  # fmt: skip

    def _kicking(self) -> Operation[OfParticipant, KickRequest]:
        return Operation(
            name="kickParticipant", method="POST", path=f"{_ONE}/kick", tag="participants",
            summary="Kick a participant",
            description="Their stay and their media end at once. The tokens that were issued to them until now let "
            "nobody in any more, a newer one does.",
            parameters=OfParticipant, body=KickRequest, answer=None, status=204,
            errors=(NotAllowed, NotFound), handle=self._kick,
        )  # fmt: skip

    async def _list(self, caller: Caller, parameters: ParticipantList, _: Nothing) -> ParticipantPage:
        state = (await self._office.get(own_room(caller, parameters))).live
        if state is None:
            return ParticipantPage(participants=[], next=None)
        people = sorted(
            person.id
            for person in state.people.values()
            if person.id > (parameters.after or "") and parameters.identity in {None, person.identity}
        )
        page = people[: parameters.limit]
        return ParticipantPage(
            participants=[participant_view(state, state.people[each]) for each in page],
            next=page[-1] if len(people) > len(page) else None,
        )

    async def _show(self, caller: Caller, parameters: OfParticipant, _: Nothing) -> Participant:
        return participant_view(*await somebody(self._store, own_room(caller, parameters), parameters.who))

    async def _mute(self, caller: Caller, parameters: OfParticipant, body: MuteRequest) -> None:
        await self._store.mute(own_room(caller, parameters), None, parameters.who, source=body.source)

    async def _mute_track(self, caller: Caller, parameters: OfTrack, _: Nothing) -> None:
        await self._store.mute(own_room(caller, parameters), None, parameters.who, track=TrackId(parameters.track))

    async def _stop(self, caller: Caller, parameters: OfTrack, _: Nothing) -> None:
        await self._store.stop(own_room(caller, parameters), None, parameters.who, TrackId(parameters.track))

    async def _lower(self, caller: Caller, parameters: OfParticipant, _: Nothing) -> None:
        await self._store.raise_hand(own_room(caller, parameters), None, parameters.who, False)

    async def _admit(self, caller: Caller, parameters: OfParticipant, _: Nothing) -> None:
        await self._store.admit(own_room(caller, parameters), None, parameters.who)

    async def _deny(self, caller: Caller, parameters: OfParticipant, _: Nothing) -> None:
        await self._store.deny(own_room(caller, parameters), None, parameters.who)

    async def _kick(self, caller: Caller, parameters: OfParticipant, body: KickRequest) -> None:
        order = Order(by=by(caller), reason=body.reason)
        await self._removals.kick(own_room(caller, parameters), parameters.who, order)


def participant_view(state: RoomState, person: Person) -> Participant:
    return Participant(
        id=person.id,
        identity=person.identity,
        name=person.name,
        state="waiting" if person.lobby else "connected" if person.connected else "away",
        joined_at=person.joined_at,
        hand_raised_at=person.hand_raised_at,
        topology=person.topology,
        permissions=permissions_view(person.permissions),
        attributes=dict(sorted(person.attributes.items())),
        tracks=[
            Track(id=track.id, kind=track.kind, source=track.source, muted=track.muted)
            for track in state.tracks.values()
            if track.participant == person.id
        ],
    )
