"""REST: who is kept out of a room."""

from typing import Annotated, Any, Literal

from pydantic import Field

from control_plane.access.idempotency import Idempotency, Repeatable
from control_plane.errors import NotAllowed, NotFound
from control_plane.http.errors import KeyReused
from control_plane.http.operation import WHOLE, Answer, Body, Caller, In, Nothing, Operation
from control_plane.names import IdentityText, PlainText
from control_plane.rooms.ban_table import BanRecord
from control_plane.rooms.removal import Order, Removals
from control_plane.rooms.routes.common import InRoom, Limit, OfParticipant, by, own_room
from control_plane.rooms.routes.participants import MAX_REASON

_PATH = "/v1/rooms/{room}/bans"
LONGEST_S = 10 * 366 * 24 * 3600
BanText = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


Reason = Annotated[PlainText, Field(max_length=MAX_REASON, description="Told to them when they come back.")]
Seconds = Annotated[int | None, Field(ge=1, le=LONGEST_S, description="How long; null: for good."), WHOLE]


class BanList(InRoom):
    identity: Annotated[IdentityText | None, In("query"), Field(description="Only of this identity.")] = None
    after: Annotated[BanText | None, In("query"), Field(description="`next` of the page before.")] = None
    limit: Limit = 50


class OfBan(InRoom):
    ban: Annotated[BanText, In("path"), Field(description="The ban's id.")]


class NewBan(InRoom, Repeatable):
    pass


class NewParticipantBan(OfParticipant, Repeatable):
    pass


class BanRequest(Body):
    """An identity that is to be kept out; it need not be there."""

    identity: IdentityText
    reason: Reason = ""
    for_s: Seconds = None


class ParticipantBanRequest(Body):
    """Somebody who is there is to be kept out. Of a guest, whose identity is new each time, it closes the token."""

    reason: Reason = ""
    for_s: Seconds = None
    device: Annotated[
        bool, Field(description="Also whoever comes on the participant's device, if their client has named it.")
    ] = False


class Ban(Answer):
    id: str
    room: str
    kind: Annotated[
        Literal["kick", "ban"], Field(description="A kick closes the tokens that were issued until then, a ban all.")
    ]
    identity: str
    device: Annotated[bool, Field(description="Whether a device is kept out too.")]
    reason: str
    created_at: Annotated[int, Field(description="Milliseconds since 1970.")]
    created_by: Annotated[str, Field(description="`key:…`, `identity:…` of a moderator, or `operator`.")]
    expires_at: Annotated[int | None, Field(description="Milliseconds since 1970; null: it holds for good.")]


class BanPage(Answer):
    bans: Annotated[list[Ban], Field(description="By id.")]
    next: Annotated[str | None, Field(description="Give it as `after` for the next page; null at the end.")]


class BanRoutes:
    def __init__(self, removals: Removals, idempotency: Idempotency) -> None:
        self._removals = removals
        self._idempotency = idempotency

    def operations(self) -> list[Operation[Any, Any]]:
        return [self._listing(), self._banning(), self._banning_participant(), self._lifting()]

    def _listing(self) -> Operation[BanList, Nothing]:
        return Operation(
            name="listBans", method="GET", path=_PATH, tag="bans",
            summary="List who is kept out of a room",
            description="Kicks and bans that hold now. The room need not exist.",
            parameters=BanList, body=Nothing, answer=BanPage, status=200,
            errors=(NotAllowed,), handle=self._list,
        )  # fmt: skip

    def _banning(self) -> Operation[NewBan, BanRequest]:
        return Operation(
            name="createBan", method="POST", path=_PATH, tag="bans",
            summary="Ban an identity from a room",
            description="Whether they are there or not. Their stay and their media end at once, and no token lets this "
            "identity in while it holds.",
            parameters=NewBan, body=BanRequest, answer=Ban, status=201,
            errors=(NotAllowed, NotFound, KeyReused), handle=self._ban,
        )  # fmt: skip

    def _banning_participant(self) -> Operation[NewParticipantBan, ParticipantBanRequest]:
        return Operation(
            name="banParticipant", method="POST", path="/v1/rooms/{room}/participants/{participant}/ban", tag="bans",
            summary="Ban a participant from a room",
            description="As an identity, for somebody who is there now; their device too, if you say so.",
            parameters=NewParticipantBan, body=ParticipantBanRequest, answer=Ban, status=201,
            errors=(NotAllowed, NotFound, KeyReused), handle=self._ban_participant,
        )  # fmt: skip

    def _lifting(self) -> Operation[OfBan, Nothing]:
        return Operation(
            name="deleteBan", method="DELETE", path=f"{_PATH}/{{ban}}", tag="bans",
            summary="Lift a ban or a kick",
            description="Of whom several are listed, each is lifted for itself.",
            parameters=OfBan, body=Nothing, answer=None, status=204,
            errors=(NotAllowed, NotFound), handle=self._lift,
        )  # fmt: skip

    async def _list(self, caller: Caller, parameters: BanList, _: Nothing) -> BanPage:
        room = own_room(caller, parameters)
        found = await self._removals.page(room, parameters.after or "", parameters.limit + 1, parameters.identity)
        page = found[: parameters.limit]
        return BanPage(
            bans=[ban_view(room, each) for each in page], next=page[-1].ban.id if len(found) > len(page) else None
        )

    async def _ban(self, caller: Caller, parameters: NewBan, body: BanRequest) -> Ban:
        room = own_room(caller, parameters)
        name = await self._name(caller, parameters, body, f"createBan {room}")
        order = Order(by=by(caller), reason=body.reason, for_s=body.for_s, id=name)
        return ban_view(room, await self._removals.ban_identity(room, body.identity, order))

    async def _ban_participant(self, caller: Caller, parameters: NewParticipantBan, body: ParticipantBanRequest) -> Ban:
        room = own_room(caller, parameters)
        name = await self._name(caller, parameters, body, f"banParticipant {room} {parameters.participant}")
        order = Order(by=by(caller), reason=body.reason, for_s=body.for_s, device=body.device, id=name)
        return ban_view(room, await self._removals.ban(room, parameters.who, order))

    async def _name(self, caller: Caller, parameters: Repeatable, body: Body, about: str) -> str | None:
        once = await self._idempotency.first(caller, parameters, body, about)
        return None if once is None else f"b_{once.seed[:24]}"

    async def _lift(self, caller: Caller, parameters: OfBan, _: Nothing) -> None:
        await self._removals.lift(own_room(caller, parameters), parameters.ban, by(caller))


def ban_view(room: str, record: BanRecord) -> Ban:
    ban = record.ban
    return Ban(
        id=ban.id,
        room=room,
        kind="kick" if ban.issued_until is not None else "ban",
        identity=ban.identity,
        device=ban.device is not None,
        reason=ban.reason,
        created_at=int(record.created_at.timestamp() * 1000),
        created_by=record.created_by,
        expires_at=None if ban.expires_at is None else int(ban.expires_at * 1000),
    )
