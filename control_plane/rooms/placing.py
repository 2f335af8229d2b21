"""Which node takes a room, with capacity reserved for what is about to arrive there."""

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

import structlog

from control_plane.clock import Clock
from control_plane.errors import ControlPlaneError, NoCapacity, Unavailable
from control_plane.ids import NodeId
from control_plane.nodes.models import Need, Node
from control_plane.nodes.registry import NodeRegistry, Outcome
from control_plane.nodes.selection import Rejection
from control_plane.nodes.store import Claim
from control_plane.rooms import streams
from control_plane.rooms.decisions import Decision, DecisionLog, Purpose
from control_plane.rooms.domain import Person, RoomState
from control_plane.rooms.local import LocalRoom
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import RoomStore
from media_adapters.models import Capability

log = structlog.get_logger()

STREAMS_OF_A_NEW_ROOM = 6
"""A node without so much to spare is no place to begin: a second person would find it full."""
FULL_RETRY_MS = 2000
"""When what was reserved too much shows in the measured load."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a room is to be: on `node`, on one of `backend`, on any, but on none of `avoid`."""

    node: NodeId | None = None
    backend: str | None = None
    avoid: frozenset[NodeId] = frozenset()

    def admits(self, node: Node) -> bool:
        fits = self.node in (None, node.id) and self.backend in (None, node.backend)
        return fits and node.id not in self.avoid


class Placing(Protocol):
    async def first(self, state: RoomState, newcomer: Person) -> NodeId:
        """A node for a room without one, with capacity reserved for the newcomer. Raises `NoCapacity`,
        `Unavailable`."""

    async def give_back(self, state: RoomState, newcomer: Person, node: NodeId) -> None:
        """The room has settled on another node than `first` said, or nowhere. Never raises."""

    async def join(self, state: RoomState, newcomer: Person) -> None:
        """Reserve for a newcomer where the room is. Raises `NoCapacity` when there is no room for them."""

    async def elsewhere(self, state: RoomState, purpose: str, target: Target) -> NodeId:
        """Another node for everybody, with capacity reserved. Whoever asks for the same `purpose` gets the same.
        Raises `NoCapacity`, `Unavailable`."""

    async def not_there(self, state: RoomState, purpose: str, node: NodeId) -> None:
        """Nothing came of what `elsewhere` said for `purpose`. Never raises."""


class RegistryPlacing:
    """Chooses among the nodes that the registry knows, and writes down why."""

    def __init__(self, registry: NodeRegistry, decisions: DecisionLog, clock: Clock) -> None:
        self._registry = registry
        self._decisions = decisions
        self._clock = clock

    async def first(self, state: RoomState, newcomer: Person) -> NodeId:
        wanted = max(streams.of_newcomer(state, newcomer), STREAMS_OF_A_NEW_ROOM)
        need = Need(wanted, needed_by(state.policy), newcomer.region)
        outcome = await self._registry.reserve(_first(state, newcomer), need)
        await self._write_down(state, outcome, "first")
        return outcome.expect_node()

    async def give_back(self, state: RoomState, newcomer: Person, node: NodeId) -> None:
        await self._release(_first(state, newcomer), node)

    async def join(self, state: RoomState, newcomer: Person) -> None:
        leg = state.legs.get(newcomer.leg)
        if leg is None:
            return
        claim = Claim(state.room, state.incarnation, f"leg:{leg.id}", newcomer.id)
        need = Need(streams.of_newcomer(state, newcomer), region=newcomer.region)
        try:
            outcome = await self._registry.reserve_on(leg.node, claim, need)
        except Unavailable:  # what nodes carry is elsewhere than the room, and the room is there
            log.info("join_not_counted", room=state.room, participant=newcomer.id)
            return
        if outcome.refused.get(leg.node) is Rejection.FULL:  # not one that an emptied Redis has yet to hear of
            await self._write_down(state, outcome, "join")
            raise NoCapacity("The media server of this room is full.", retry_after_ms=FULL_RETRY_MS)

    async def elsewhere(self, state: RoomState, purpose: str, target: Target) -> NodeId:
        wanted = max(streams.of_room(state), STREAMS_OF_A_NEW_ROOM)
        region = _region_of_most(state)
        need = Need(wanted, needed_by(state.policy), region, target.avoid, target.node, target.backend)
        outcome = await self._registry.reserve(Claim(state.room, state.incarnation, purpose), need)
        await self._write_down(state, outcome, "move")
        return outcome.expect_node()

    async def not_there(self, state: RoomState, purpose: str, node: NodeId) -> None:
        await self._release(Claim(state.room, state.incarnation, purpose), node)

    async def _release(self, claim: Claim, node: NodeId) -> None:
        try:
            await self._registry.release(claim, node)
        except Unavailable:
            log.debug("reservation_left_to_lapse", room=claim.room, node=node)

    async def _write_down(self, state: RoomState, outcome: Outcome, purpose: Purpose) -> None:
        decision = Decision.of(outcome, purpose, int(self._clock.now() * 1000))
        try:
            await self._decisions.record(state.room, decision)
        except Unavailable:
            log.debug("decision_not_written_down", room=state.room)


async def give_leg(local: LocalRoom, store: RoomStore, placing: Placing, newcomer: Person) -> None:
    """Give the room its first leg: reserve, then commit; whoever commits first decides for all. Raises `NoCapacity`,
    `Unavailable`, `RoomMissing`."""
    state = local.state
    node = await placing.first(state, newcomer)
    try:
        leg, version = await store.place(local.room, state.incarnation, node)
    except ControlPlaneError:
        await placing.give_back(state, newcomer, node)
        raise
    await local.wait_for(version)
    if leg.node != node:
        await placing.give_back(state, newcomer, node)
        await placing.join(local.state, local.state.people.get(newcomer.id, newcomer))


def needed_by(policy: RoomPolicy) -> frozenset[Capability]:
    """What a room can't be without. Credentials of relays expire, and in a relay-only room there is no way around
    them: whoever has to find a new path needs a restart of ICE."""
    return frozenset({Capability.ICE_RESTART}) if policy.relay_only else frozenset()


def _first(state: RoomState, newcomer: Person) -> Claim:
    return Claim(state.room, state.incarnation, "first", newcomer.id)


def _region_of_most(state: RoomState) -> str | None:
    known = Counter(person.region for person in state.people.values() if person.region is not None)
    return known.most_common(1)[0][0] if known else None
