"""What a room's driver does next about where its media live. No I/O: the room and the time in, one decision out.

Everything it decides from is in the room, so that a driver that dies in the middle of a move is continued by the next:
the leg without `leaving_since` is where everybody is to be, the others are being left, and `move` is what somebody
wishes. A move is over when everybody is there, or after a while; a wish that comes meanwhile replaces one at whose
target nobody has arrived yet, and else waits for its end, so that nobody ever has more than two placements.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from control_plane.ids import LegId, NodeId, ParticipantId
from control_plane.rooms.domain import Leg, Move, Person, RoomState
from control_plane.rooms.placement.steps import Step, late, over, to_leg

DEADLINE_MS = 5_000
"""After this nobody waits any more for those who have come up at the target without being ready."""
STRAGGLERS_MS = 10_000
"""After this nobody waits for those who have not come up there at all. Clients keep a placement no longer."""
MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class Find:
    """A node for the room: `node`, or one of `backend`, and none of `avoid`. `purpose` names the reservation."""

    purpose: str
    node: NodeId | None = None
    backend: str | None = None
    avoid: frozenset[NodeId] = frozenset()


@dataclass(frozen=True, slots=True)
class Look:
    """Whose media are at this leg by now? Decide again, knowing it."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class Commit:
    """`gone_back`: the room stays where it was, for what was wished could not be had."""

    step: Step
    why: Literal["late", "over", "there_already", "gone_back"]


Decision = Find | Look | Commit


def decide(
    state: RoomState, lost: Collection[NodeId], now_ms: int, here: Collection[ParticipantId] | None = None
) -> Decision | None:
    """The next thing to do, None when there is nothing now. `lost` nodes are dead; `here` are those whose media are at
    the home leg, None when nobody has looked."""
    if not state.legs:
        return None  # whoever joins gives the room its first leg
    home = state.home
    dead = {leg.id for leg in state.legs.values() if leg.node in lost}
    if home is None or home.id in dead:
        return _elsewhere(state, home, dead, now_ms)
    if (step := late(state, home.id, dead)) is not None:
        return Commit(step, "late")
    if _may_begin(state, home):
        return _begin(state, home)
    if not any(leg.leaving_since for leg in state.legs.values()):
        return Commit(over(state, None), "over") if state.move is not None else None
    return _arriving(state, home, now_ms, here)


def found(state: RoomState, leg: Leg, lost: Collection[NodeId], now_ms: int) -> Step:
    """The step onto a leg that was found for the room."""
    dead = {leg.id for leg in state.legs.values() if leg.node in lost}
    move = state.move
    if move is not None:
        move = move.model_copy(update={"began_at": now_ms, "tries": move.tries + 1, "avoid": (*move.avoid, leg.node)})
    return to_leg(state, leg, dead, now_ms, move)


def not_found(state: RoomState, lost: Collection[NodeId], now_ms: int) -> Step | None:
    """There is no node for the move: the room stays where it is, or goes back to where it came from, or any other node
    will do. None when nothing was wished, so that finding a node must be tried again."""
    home = state.home
    dead = {leg.id for leg in state.legs.values() if leg.node in lost}
    back = _back(state, dead)
    if back is not None and (home is None or home.id in dead):
        return to_leg(state, back, dead, now_ms, None)
    return None if state.move is None else Step(state.move, None)


def without(state: RoomState, node: NodeId) -> Step:
    """A node that was found can't have the room: the move goes on to another, or is over if none other will do."""
    move = state.move
    if move is None or move.node is not None:
        return Step(move, None)
    return Step(move, move.model_copy(update={"tries": move.tries + 1, "avoid": (*move.avoid, node)}))


def _may_begin(state: RoomState, home: Leg) -> bool:
    """Whether a wish can be begun: nothing is moving, or nobody has arrived where it goes."""
    if state.move is None or state.move.began_at:
        return False
    moving = any(leg.leaving_since for leg in state.legs.values())
    return not moving or not any(person.leg == home.id and person.ready for person in state.people.values())


def _begin(state: RoomState, home: Leg) -> Decision:
    if state.move is not None and state.move.node == home.node:
        return Commit(Step(state.move, None), "there_already")
    return _find(state, home)


def _elsewhere(state: RoomState, home: Leg | None, dead: Collection[LegId], now_ms: int) -> Decision:
    """Home is dead: find another for as long as somebody wants to leave, else go back to what lives."""
    back, move = _back(state, dead), state.move
    wanted = move is not None and move.tries < MOST_TRIES and not (move.node and move.began_at)
    if back is not None and not wanted:
        return Commit(to_leg(state, back, dead, now_ms, None), "gone_back")
    return _find(state, home or next(iter(state.legs.values())))


def _find(state: RoomState, home: Leg) -> Find:
    move = state.move
    if move is None:
        return Find(f"after:{home.id}")  # whose node died: that may be back, and be the only one
    return Find(f"{move.id}:{move.tries}", move.node, move.backend, frozenset({home.node, *move.avoid}))


def _arriving(state: RoomState, home: Leg, now_ms: int, here: Collection[ParticipantId] | None) -> Decision | None:
    waited = now_ms - max(leg.leaving_since for leg in state.legs.values())
    missing = [person for person in state.people.values() if person.previous is not None and not person.ready]
    if not missing or waited >= STRAGGLERS_MS:
        return Commit(over(state, _wish(state)), "over")
    if waited < DEADLINE_MS:
        return None
    return Look(home) if here is None else _at_the_deadline(state, home, missing, here, now_ms)


def _at_the_deadline(
    state: RoomState, home: Leg, missing: Collection[Person], here: Collection[ParticipantId], now_ms: int
) -> Decision | None:
    if all(person.id in here for person in missing):
        return Commit(over(state, _wish(state)), "over")
    arrived = any(person.ready or person.id in here for person in state.people.values() if person.leg == home.id)
    if arrived or not any(person.connected for person in missing):
        return None  # some can't follow: they keep what they have for a while
    if state.move is not None and state.move.node is None and state.move.tries < MOST_TRIES:
        return _find(state, home)
    back = _back(state, ())
    return None if back is None else Commit(to_leg(state, back, (), now_ms, _wish(state)), "gone_back")


def _wish(state: RoomState) -> Move | None:
    """What was wished since the move under way began."""
    return state.move if state.move is not None and not state.move.began_at else None


def _back(state: RoomState, dead: Collection[LegId]) -> Leg | None:
    """A living leg that is being left."""
    return next((leg for leg in state.legs.values() if leg.leaving_since and leg.id not in dead), None)
