"""What a move changes in a room: who lives where from now on, and which legs there are. No I/O.

A step is computed from one version of the room and committed by a script that leaves alone whoever has changed since,
and any leg that still carries somebody. The next look finds what is left to do.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from control_plane.ids import LegId, ParticipantId
from control_plane.rooms.domain import Leg, Move, Person, RoomState, Stand


@dataclass(frozen=True, slots=True)
class Placing:
    """`before` is the person as the step's maker knew it."""

    before: Person
    after: Person


@dataclass(frozen=True, slots=True)
class Step:
    """`expected` is the id of the move that was known, `move` what it becomes; None: nothing is to move any more."""

    expected: Move | None
    move: Move | None
    people: tuple[Placing, ...] = ()
    legs: tuple[Leg, ...] = ()
    drop: tuple[LegId, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """As `placed.lua` reads it."""
        step: dict[str, Any] = {
            "expected": self.expected.id if self.expected else "",
            "move_changes": self.move != self.expected,
            "legs": [leg.model_dump(mode="json") for leg in self.legs],
            "drop": list(self.drop),
            "people": [
                {
                    "id": placing.before.id,
                    "epoch": placing.before.epoch,
                    "ready": placing.before.ready,
                    "to": placing.after.model_dump(
                        mode="json",
                        include={"epoch", "leg", "topology", "previous", "ready", "last_epoch"},
                        exclude_none=True,
                    ),
                }
                for placing in self.people
            ],
        }
        return step if self.move is None else step | {"move": self.move.model_dump(mode="json", exclude_none=True)}


def to_leg(state: RoomState, target: Leg, dead: Collection[LegId], now_ms: int, move: Move | None) -> Step:
    """Everybody goes to `target`, a new leg or one that was being left. `dead` legs have nothing to keep."""
    people = _moved(state, target.id, dead)
    legs = {leg.id: leg for leg in state.legs.values() if leg.id != target.id}
    gone = legs.keys() - _carrying(state, people)
    leaving = [leg.model_copy(update={"leaving_since": now_ms}) for leg in legs.values()]
    home = target.model_copy(update={"leaving_since": 0})
    return Step(state.move, move, people, (home, *leaving), tuple(sorted(gone)))


def late(state: RoomState, home: LegId, dead: Collection[LegId]) -> Step | None:
    """Whoever is somewhere else by now goes to `home` too; None when nobody is. What died is not kept."""
    people = _moved(state, home, dead)
    gone = {leg.id for leg in state.legs.values() if leg.leaving_since or leg.id in dead} - _carrying(state, people)
    return Step(state.move, state.move, people, (), tuple(sorted(gone))) if people or gone else None


def over(state: RoomState, move: Move | None) -> Step:
    """Everybody stays where they are now; what they came from is dropped."""
    people = tuple(
        Placing(person, person.model_copy(update={"previous": None, "ready": False}))
        for person in state.people.values()
        if person.previous is not None
    )
    drop = {leg.id for leg in state.legs.values() if leg.leaving_since} - _carrying(state, people)
    return Step(state.move, move, people, (), tuple(sorted(drop)))


def moved(person: Person, target: LegId, dead: Collection[LegId]) -> Person:
    """The person in a new epoch on `target`, keeping of the placements before the one that carries the call.

    That is the latest in which media were seen to flow; an unfinished one is given up. Who has not left `target` yet
    stays there, in the epoch in which they are.
    """
    previous, current = person.previous, person.stand
    if previous is not None and previous.leg == target and not person.ready:
        return person.model_copy(update=_in(previous) | {"previous": None, "last_epoch": _last(person)})
    unfinished = previous is not None and not person.ready and previous.leg not in dead
    kept = previous if unfinished else current
    if kept is None or kept.leg in dead or kept.leg == target or person.needs_sfu:
        kept = None  # an encoder can't be in two places: it posts again
    epoch = _last(person) + 1
    update = {"epoch": epoch, "leg": target, "topology": "sfu", "ready": False, "last_epoch": epoch, "previous": kept}
    return person.model_copy(update=update)


def _moved(state: RoomState, target: LegId, dead: Collection[LegId]) -> tuple[Placing, ...]:
    placed = (person for person in state.people.values() if not person.lobby and person.topology == "sfu")
    pairs = (Placing(person, _kept_alive(person, target, dead)) for person in placed)
    return tuple(pair for pair in pairs if pair.before != pair.after)


def _kept_alive(person: Person, target: LegId, dead: Collection[LegId]) -> Person:
    if person.leg != target:
        return moved(person, target, dead)
    if person.previous is not None and person.previous.leg in dead:
        return person.model_copy(update={"previous": None})
    return person


def _carrying(state: RoomState, changed: Iterable[Placing]) -> set[LegId]:
    people: dict[ParticipantId, Person] = {**state.people, **{placing.after.id: placing.after for placing in changed}}
    return {stand.leg for person in people.values() for stand in person.stands}


def _in(stand: Stand) -> dict[str, Any]:
    return {"epoch": stand.epoch, "leg": stand.leg, "topology": stand.topology}


def _last(person: Person) -> int:
    return max(person.epoch, person.last_epoch)
