"""A room's moves as a whole, without I/O: whatever comes in between, nobody is left behind and nothing goes on for
ever."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from control_plane.ids import LegId, NodeId, ParticipantId
from control_plane.rooms.domain import Leg, Move, Person
from control_plane.rooms.placement.machine import (
    DEADLINE_MS,
    STRAGGLERS_MS,
    Commit,
    Find,
    Look,
    decide,
    found,
    not_found,
    without,
)
from control_plane.rooms.placement.steps import Step
from tests.control_plane.rooms.placement.rooms import NODES, applied, joined, room, with_person


class Moves(RuleBasedStateMachine):
    """Any order of what people, operators, nodes and drivers may do. The driver's word is `decide` alone: it remembers
    nothing, so that every rule may as well be carried out by another driver."""

    people = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000
        self.lost: set[NodeId] = set()
        self.ids = 0
        self.given: dict[ParticipantId, set[int]] = {}
        self.reserved: set[NodeId] = set()

    @initialize()
    def starts(self) -> None:
        self.state = room(0)

    @rule(target=people, encoder=st.booleans())
    def joins(self, encoder: bool) -> str:
        self.ids += 1
        name = f"p{self.ids}"
        if self.state.home is not None:
            self.state = joined(self.state, name, encoder=encoder)
        self._note()
        return name

    @rule(name=consumes(people))
    def leaves(self, name: str) -> None:
        people = {each: person for each, person in self.state.people.items() if each != name}
        self.state = self.state.model_copy(update={"people": people})

    @rule(name=people)
    def is_ready(self, name: str) -> None:
        self._change(name, lambda _: {"ready": True})

    @rule(name=people)
    def comes_and_goes(self, name: str) -> None:
        self._change(name, lambda person: {"connected": not person.connected})

    @rule(name=people)
    def is_renewed(self, name: str) -> None:
        """Its media were lost at the home leg."""
        self._change(name, lambda p: {"epoch": (e := max(p.epoch, p.last_epoch) + 1), "last_epoch": e, "ready": False})
        self._note()

    @rule(node=st.sampled_from([None, *NODES]))
    def is_wished_elsewhere(self, node: NodeId | None) -> None:
        self.ids += 1
        home = self.state.home
        avoid = () if node or home is None else (home.node,)
        self.state = self.state.model_copy(update={"move": Move(id=f"m{self.ids}", node=node, avoid=avoid)})

    @precondition(lambda self: len(self.lost) < len(NODES) - 1)
    @rule(node=st.sampled_from(NODES))
    def dies(self, node: NodeId) -> None:
        self.lost.add(node)

    @rule(node=st.sampled_from(NODES))
    def comes_back(self, node: NodeId) -> None:
        self.lost.discard(node)

    @rule(ms=st.sampled_from([10, 1000, DEADLINE_MS, STRAGGLERS_MS]))
    def time_passes(self, ms: int) -> None:
        self.now += ms

    @rule(data=st.data())
    def driver_looks(self, data: st.DataObject) -> None:
        self._drive(lambda choices: data.draw(st.sampled_from(choices)), lambda: data.draw(st.booleans()))

    def _drive(self, pick: Callable[[list[NodeId]], NodeId], comes_up: Callable[[], bool], most: int = 10) -> None:
        for _ in range(most):
            before, decision = self.state, decide(self.state, self.lost, self.now)
            if isinstance(decision, Look):
                here = {person.id for person in self.state.people.values() if comes_up()}
                decision = decide(self.state, self.lost, self.now, here)
                assert not isinstance(decision, Look)
            match decision:
                case Commit(step=step):
                    self._apply(step)
                case Find():
                    if not self._find(decision, pick, comes_up):
                        return
                case None:
                    return
            assert self.state != before, "a decision that changes nothing would be made for ever"
        raise AssertionError("the driver does not come to rest")

    def _find(self, wanted: Find, pick: Callable[[list[NodeId]], NodeId], works: Callable[[], bool]) -> bool:
        choices = [node for node in NODES if node not in self.lost | wanted.avoid and wanted.node in (None, node)]
        if not choices:
            step = not_found(self.state, self.lost, self.now)
            if step is None:
                return False  # tried again
            self._apply(step)
            return True
        node = pick(choices)
        self.reserved.add(node)
        if self.state.move is not None and not works():
            self.reserved.discard(node)
            self._apply(without(self.state, node))
            return True
        self.ids += 1
        known = next((leg for leg in self.state.legs.values() if leg.node == node), None)
        self._apply(found(self.state, known or Leg(id=LegId(f"l{self.ids}"), node=node), self.lost, self.now))
        self.reserved.discard(node)
        return True

    def _apply(self, step: Step) -> None:
        before, self.state = self.state, applied(self.state, step)
        carrying = {stand.leg for person in self.state.people.values() for stand in person.stands}
        assert not carrying & set(step.drop), "a leg that carries somebody is closed"
        for placing in step.people:
            assert before.people[placing.before.id] == placing.before
        self._note()

    def _note(self) -> None:
        for person in self.state.people.values():
            known = self.given.setdefault(person.id, set())
            assert person.epoch in known or person.epoch > max(known, default=0), "an epoch is given twice"
            known.add(person.epoch)

    def _change(self, name: str, fields: Callable[[Person], dict[str, Any]]) -> None:
        person = self.state.people.get(ParticipantId(name))
        if person is not None:
            self.state = with_person(self.state, person.model_copy(update=fields(person)))

    @invariant()
    def nobody_is_in_more_than_two_places(self) -> None:
        for person in self.state.people.values():
            assert 1 <= len(person.stands) <= 2
            assert len({stand.leg for stand in person.stands}) == len(person.stands)
            assert {stand.leg for stand in person.stands} <= self.state.legs.keys()

    @invariant()
    def there_is_one_home(self) -> None:
        homes = [leg for leg in self.state.legs.values() if not leg.leaving_since]
        assert len(homes) == 1
        assert len({leg.node for leg in self.state.legs.values()}) == len(self.state.legs)

    @invariant()
    def nothing_stays_reserved(self) -> None:
        assert not self.reserved

    def teardown(self) -> None:
        """Left alone, with somewhere to be, everybody ends on one living leg, whatever was under way."""
        if not hasattr(self, "state"):
            return
        for _ in range(6):
            self._drive(lambda choices: choices[0], lambda: True)
            self.now += STRAGGLERS_MS
        assert not self.state.moving
        assert len(self.state.legs) == 1
        assert self.state.home is not None
        if self.state.people:
            assert self.state.home.node not in self.lost
        for person in self.state.people.values():
            assert [stand.leg for stand in person.stands] == [self.state.home.id]


Moves.TestCase.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_whatever_happens_everybody_ends_in_one_place = Moves.TestCase
