"""One participant whose connection this replica holds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from control_plane.ids import ParticipantId, TrackId
from control_plane.rooms import views
from control_plane.rooms.allowance import Allowance
from control_plane.rooms.arrivals import Journey, Milestone
from control_plane.rooms.domain import Person
from control_plane.rooms.placed import Placed
from control_plane.rooms.store import ResumeTokens
from control_plane.rooms.wishes import Wishes
from control_plane.signaling.messages import CloseCode, Event, Placement, PlacementClosed, PlacementEvent, SessionEnded
from control_plane.turn.service import IceServers
from media_adapters.models import RoomRef

if TYPE_CHECKING:
    from control_plane.rooms.local import LocalRoom


class Line(Protocol):
    """Whatever a room speaks to a member through: a client's websocket, or what stands in for a publisher by HTTP."""

    def send_event(self, body: str) -> None:
        """Send an event, the JSON of it without `seq`. After the close it goes nowhere."""

    def hold_events(self) -> None:
        """Keep events back until the member knows the room."""

    def close(self, code: int, reason: str) -> None:
        """The stay, or this line to it, is over. The first call decides."""


class Relays(Protocol):
    """Where ICE servers and their credentials come from."""

    def offer(self, room: RoomRef, participant: ParticipantId, region: str | None = None) -> IceServers:
        """Servers, those of `region` first, with a credential for this participant; none when nobody runs a relay."""


@dataclass(slots=True, eq=False)
class Member:
    """`welcomed`: its client has the room's snapshot and hears changes. `wishes` are what it wants to receive.

    `placements` are where its media live, as its client was told, the newest first: one, two while the call moves, none
    while it waits. `left` are those that are over and whose media are still to be closed.
    `on_admitted` is there while they wait in the lobby, and is called when they are let in. `on_receiving` is called
    when their media begin or cease to arrive at the node, or the connection that they receive on comes up or goes.
    `ice_refresh_at` is when its ICE servers want fresh credentials, None while it has none that expire.
    `messages` and `restarts` are how many of these it may still ask for.
    `person` is kept as last heard, so that it can be put back when Redis has lost the room.
    `journey` is there from the join to the first media.
    """

    room: "LocalRoom"
    connection: Line
    person: Person
    tokens: ResumeTokens
    relays: Relays
    welcomed: bool = False
    wishes: Wishes = field(default_factory=Wishes)
    placements: tuple[Placed, ...] = ()
    left: list[Placed] = field(default_factory=list)
    ended: bool = False
    on_admitted: Callable[[], None] | None = None
    on_receiving: Callable[[bool], None] | None = None
    ice_refresh_at: float | None = None
    journey: Journey | None = None
    messages: Allowance = field(default_factory=partial(Allowance, burst=20, rate=10))
    restarts: Allowance = field(default_factory=partial(Allowance, burst=4, rate=0.5))

    @property
    def id(self) -> ParticipantId:
        return self.person.id

    @property
    def generation(self) -> int:
        return self.person.generation

    @property
    def present(self) -> bool:
        """Whether it is there to be served: past its welcome, before its end."""
        return self.welcomed and not self.ended

    @property
    def announced_epoch(self) -> int:
        """Of the placement that its client was told last; 0: of none."""
        return self.placements[0].epoch if self.placements else 0

    @property
    def placed(self) -> Placed | None:
        """Where its media live now; None while it waits."""
        return self.placements[0] if self.placements else None

    def placed_in(self, epoch: int) -> Placed | None:
        """The placement of this epoch, if it lives."""
        return next((placed for placed in self.placements if placed.epoch == epoch), None)

    def sent_elsewhere(self, placed: Placed) -> set[TrackId]:
        """Tracks that its other placements carry."""
        return {track for other in self.placements if other is not placed for track in other.sending}

    def reached(self, milestone: Milestone) -> None:
        """Nothing is noted once the first media have flowed."""
        if self.journey is not None:
            self.journey.reached(milestone)
            if milestone is Milestone.FLOWING:
                self.journey = None

    def went(self, why: str) -> None:
        """The stay, or this connection, is over; if no media have flowed by now, nobody will wait for them."""
        if self.journey is not None:
            self.journey.ended(why)
            self.journey = None

    def tell(self, event: Event) -> None:
        """Send an event to this client alone."""
        self.connection.send_event(views.event_body(event))

    def take_placement(self) -> list[Placed]:
        """Go to the person's placements. Returns those that are over."""
        known = {placed.epoch: placed for placed in self.placements}
        stands = self.person.stands
        living = {stand.epoch for stand in stands}
        if living == known.keys():
            return []
        state = self.room.state
        self.placements = tuple(known.get(stand.epoch) or Placed.at(stand, self.person, state) for stand in stands)
        over = [placed for placed in known.values() if placed.epoch not in living]
        self.left += over
        return over

    def placement(self, reason: str = "joined") -> Placement:
        """Where its media live now and how to get there, with a credential of its own."""
        if self.person.topology == "waiting":
            return views.placement(self.person, reason)
        relay_only = self.room.state.policy.relay_only
        return views.placement(self.person, reason, self.fresh_ice().servers, relay_only=relay_only)

    def fresh_ice(self) -> IceServers:
        """Servers for this member from now on."""
        ice = self.relays.offer(self.room.state.ref(), self.id, self.person.region)
        self.ice_refresh_at = ice.refresh_at
        return ice

    def place(self) -> None:
        """Tell the client where its media live now, and which placements are over, if it does not know."""
        if not self.welcomed:
            return
        before, version = self.announced_epoch, self.room.state.version
        for placed in self.take_placement():
            self.tell(PlacementClosed(seq=0, version=version, epoch=placed.epoch))
        if self.announced_epoch > before:
            reason = "moved" if before else "joined"
            self.tell(PlacementEvent(seq=0, version=version, placement=self.placement(reason)))

    def let_in(self) -> None:
        """It does not wait any more. No-op unless it did."""
        admitted, self.on_admitted = self.on_admitted, None
        if admitted is not None and not self.ended:
            admitted()

    def end(self, code: str, message: str, *, final: bool, close: int | None = None) -> None:
        """End the connection, saying why. The member is no longer there for its room."""
        if close is None:
            close = CloseCode.ENDED if final else CloseCode.UNAVAILABLE
        self.ended = True
        self.went(code)
        event = SessionEnded.model_validate(
            {"seq": 0, "version": self.room.version, "code": code, "message": message, "final": final}
        )
        self.tell(event)
        self.connection.close(close, code)
