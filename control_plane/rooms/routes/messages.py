"""REST: what is said in a room."""

from typing import Annotated, Any

from pydantic import Field

from control_plane.access.idempotency import Idempotency, Repeatable
from control_plane.errors import NotAllowed, NotFound
from control_plane.http.errors import KeyReused
from control_plane.http.operation import Answer, Body, Caller, In, Nothing, Operation
from control_plane.ids import new_id
from control_plane.names import DisplayName
from control_plane.rooms.domain import ChatRecord
from control_plane.rooms.office import RoomOffice
from control_plane.rooms.routes.common import InRoom, Limit, in_live_room, own_room
from control_plane.rooms.store import RoomStore

_PATH = "/v1/rooms/{room}/messages"
SERVICE = "Service"
MAX_TEXT = 4000
MessageText = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class MessageList(InRoom):
    after: Annotated[
        MessageText | None, In("query"), Field(description="`next` of the page before, or any message's id.")
    ] = None
    limit: Limit = 50


class NewMessage(InRoom, Repeatable):
    pass


class MessageRequest(Body):
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT, description="For everybody who is in the room.")]
    name: Annotated[DisplayName, Field(description="Who says it.")] = SERVICE


class Message(Answer):
    id: str
    participant: Annotated[str | None, Field(description="Who said it; null when it came from your server.")]
    name: Annotated[str, Field(description="Theirs, when they said it.")]
    text: str
    sent_at: Annotated[int, Field(description="Milliseconds since 1970.")]


class MessagePage(Answer):
    messages: Annotated[list[Message], Field(description="In the order in which they were said.")]
    next: Annotated[str | None, Field(description="Give it as `after` for the next page; null at the end.")]


class MessageRoutes:
    def __init__(self, office: RoomOffice, store: RoomStore, idempotency: Idempotency) -> None:
        self._office = office
        self._store = store
        self._idempotency = idempotency

    def operations(self) -> list[Operation[Any, Any]]:
        return [self._listing(), self._sending()]

    def _listing(self) -> Operation[MessageList, Nothing]:
        return Operation(
            name="listMessages", method="GET", path=_PATH, tag="messages",
            summary="List what was said in a room",
            description="The last 100 messages, for as long as people are in it. Behind a message that is forgotten "
            "comes the oldest that is not.",
            parameters=MessageList, body=Nothing, answer=MessagePage, status=200,
            errors=(NotAllowed, NotFound), handle=self._list,
        )  # fmt: skip

    def _sending(self) -> Operation[NewMessage, MessageRequest]:
        return Operation(
            name="sendMessage", method="POST", path=_PATH, tag="messages",
            summary="Say something in a room",
            description="Told to everybody who is in it, as a message of no participant. Somebody has to be in it.",
            parameters=NewMessage, body=MessageRequest, answer=Message, status=201,
            errors=(NotAllowed, NotFound, KeyReused), handle=self._send,
        )  # fmt: skip

    async def _list(self, caller: Caller, parameters: MessageList, _: Nothing) -> MessagePage:
        state = (await self._office.get(own_room(caller, parameters))).live
        chat = state.chat if state is not None else ()
        known = [message.id for message in chat]
        begin = known.index(parameters.after) + 1 if parameters.after in known else 0
        page = chat[begin : begin + parameters.limit]
        more = len(chat) > begin + len(page)
        return MessagePage(messages=[message_view(each) for each in page], next=page[-1].id if more else None)

    async def _send(self, caller: Caller, parameters: NewMessage, body: MessageRequest) -> Message:
        room = own_room(caller, parameters)
        once = await self._idempotency.first(caller, parameters, body, f"sendMessage {room}")
        name = new_id("m") if once is None else f"m_{once.seed[:24]}"
        with in_live_room():
            return message_view(await self._store.announce(room, body.name, name, body.text))


def message_view(record: ChatRecord) -> Message:
    return Message(
        id=record.id,
        participant=record.participant or None,
        name=record.name,
        text=record.text,
        sent_at=record.sent_at,
    )
