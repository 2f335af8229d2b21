"""What the bridge answers and tells; `bridge/src/protocol.ts` says what each message means."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from media_adapters.models import Mid, RtpCodec, Sdp, Value

MAX_LINE = 4 << 20
"""Bytes of one message, either way."""


class Description(Value):
    version: str
    workers: int


class Published(Value):
    sdp: Sdp
    live: tuple[Mid, ...]


class Flow(Value):
    """An m-section that carries media to a subscriber or a player, and the producer that it carries."""

    mid: Mid
    producer: str


class Offered(Value):
    sdp: Sdp
    lines: tuple[Flow, ...]


class Played(Value):
    sdp: Sdp
    lines: tuple[Flow, ...]


class Tapped(Value):
    tap: str
    codec: RtpCodec


class Load(Value):
    """`pids` of the bridge and its workers."""

    pids: tuple[int, ...]


class Connected(Value):
    event: Literal["connected"]
    connection: str


class Receiving(Value):
    event: Literal["receiving"]
    connection: str
    receiving: bool


class ConnectionClosed(Value):
    event: Literal["connection_closed"]
    connection: str
    reason: str


class RoomClosed(Value):
    event: Literal["room_closed"]
    room: str
    reason: str


BridgeEvent = Connected | Receiving | ConnectionClosed | RoomClosed
BRIDGE_EVENT: TypeAdapter[BridgeEvent] = TypeAdapter(Annotated[BridgeEvent, Field(discriminator="event")])
