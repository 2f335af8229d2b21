"""REST: what a room's people relayed."""

from typing import Annotated, Any

from pydantic import Field

from control_plane.clock import Clock
from control_plane.errors import NotAllowed
from control_plane.http.operation import WHOLE, Answer, Caller, In, Nothing, Operation
from control_plane.rooms.routes.common import InRoom, own_room
from control_plane.turn.service import TurnRelays
from control_plane.turn.usage import KEPT_DAYS, Traffic, TurnUsage


class UsageOf(InRoom):
    days: Annotated[
        int, In("query"), Field(ge=1, le=KEPT_DAYS, description="How many days back, today included."), WHOLE
    ] = KEPT_DAYS


class DayOfUsage(Answer):
    day: Annotated[str, Field(description="UTC.")]
    received_bytes: Annotated[int, Field(description="That relays got from people.")]
    sent_bytes: Annotated[int, Field(description="That relays sent to people.")]
    cost: Annotated[float | None, Field(description="In the operator's currency; null when no price per GB is known.")]


class Usage(Answer):
    room: str
    received_bytes: int
    sent_bytes: int
    cost: float | None
    days: Annotated[list[DayOfUsage], Field(description="Those on which something was relayed, oldest first.")]


class UsageRoutes:
    def __init__(self, usage: TurnUsage, relays: TurnRelays, clock: Clock) -> None:
        self._usage = usage
        self._relays = relays
        self._clock = clock

    def operations(self) -> list[Operation[Any, Any]]:
        return [
            Operation(
                name="getRoomUsage", method="GET", path="/v1/rooms/{room}/usage", tag="turn",
                summary="Show what a room relayed",
                description="What TURN servers relayed for its people, in all its incarnations: as relays report it, "
                "some seconds late while people are in it, to the byte once they have left. A room that is not known "
                "has relayed nothing.",
                parameters=UsageOf, body=Nothing, answer=Usage, status=200,
                errors=(NotAllowed,), handle=self._get,
            )
        ]  # fmt: skip

    async def _get(self, caller: Caller, parameters: UsageOf, _: Nothing) -> Usage:
        room = own_room(caller, parameters)
        traffic = await self._usage.of(self._relays.opaque.room(room), self._clock.now(), parameters.days)
        return usage_view(room, traffic, self._relays.price_per_gb)


def usage_view(room: str, traffic: list[Traffic], price_per_gb: float | None) -> Usage:
    days = [
        DayOfUsage(
            day=each.day,
            received_bytes=each.received,
            sent_bytes=each.sent,
            cost=None if price_per_gb is None else each.cost(price_per_gb),
        )
        for each in traffic
    ]
    return Usage(
        room=room,
        received_bytes=sum(day.received_bytes for day in days),
        sent_bytes=sum(day.sent_bytes for day in days),
        cost=None if price_per_gb is None else sum(each.cost(price_per_gb) for each in traffic),
        days=days,
    )
