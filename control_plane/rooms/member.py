"""One participant whose connection this replica holds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from control_plane.ids import ParticipantId, TrackId
from control_plane.rooms import views
from control_plane.rooms.allowance import Allowance
from control_plane.rooms.arrivals import Journey, Milestone
from control_plane.rooms.domain import Person, peer_ref
from control_plane.rooms.negotiation import Negotiations
from control_plane.rooms.store import ResumeTokens
from control_plane.rooms.wishes import Wishes
from control_plane.signaling.messages import CloseCode, Event, Placement, PlacementClosed, PlacementEvent, SessionEnded
from control_plane.turn.service import IceServers
from media_adapters.models import PeerConnectionRole, PeerRef, PublishedTrack, RoomRef, Subscription

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

    `sending` is what its publisher carries at the node, of which the node was told to keep `silenced` to itself.
    `on_admitted` is there while they wait in the lobby, and is called when they are let in. `on_receiving` is called
    when their media begin or cease to arrive at the node, or the connection that they receive on comes up or goes.
    `subscribed` is what the node was told that it wants, None when that is not known.
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
    announced_epoch: int = 0
    negotiations: Negotiations = field(default_factory=Negotiations)
    subscribed: tuple[Subscription, ...] | None = ()
    sending: dict[TrackId, PublishedTrack] = field(default_factory=dict)
    silenced: frozenset[TrackId] = frozenset()
    connected: set[PeerConnectionRole] = field(default_factory=set)
    reconciling: bool = False
    silencing: bool = False
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

    def peer(self) -> PeerRef:
        """Where its media is in this epoch."""
        return peer_ref(self.room.state.ref(), self.person)

    def tell(self, event: Event) -> None:
        """Send an event to this client alone."""
        self.connection.send_event(views.event_body(event))

    def take_placement(self) -> bool:
        """Go to the person's placement. False when the client knows it already."""
        if self.person.epoch <= self.announced_epoch:
            return False
        self.announced_epoch = self.person.epoch
        self.negotiations = Negotiations()
        self.subscribed = ()
        self.sending, self.silenced = {}, frozenset()
        self.connected = set()
        return True

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
        """Tell the client where its media lives now, if it does not know; the placement before is void."""
        previous, version = self.announced_epoch, self.room.state.version
        if not self.welcomed or not self.take_placement():
            return
        reason = "moved" if previous else "joined"
        self.tell(PlacementEvent(seq=0, version=version, placement=self.placement(reason)))
        if previous:
            self.tell(PlacementClosed(seq=0, version=version, epoch=previous))

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
