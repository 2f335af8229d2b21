"""Joins as they are measured, and traced where somebody wants traces."""

import time
from collections import Counter
from typing import Protocol

from control_plane.ids import NodeId
from control_plane.metrics.figures import Metrics
from control_plane.rooms.arrivals import Journey, Milestone

JOINED = "joined"


class Trace(Protocol):
    """One join in a trace. Times are in ns since the epoch."""

    def step(self, milestone: Milestone, began_ns: int, ended_ns: int, node: NodeId | None) -> None:
        """What led to `milestone` took from the one before until now."""

    def end(self, ended_ns: int, why: str = "") -> None:
        """The last one was reached, or `why` not."""


class Tracer(Protocol):
    def begin(self, via: str, began_ns: int) -> Trace:
        """A join has begun."""


class MeasuredArrivals:
    """Implements `Arrivals`. `joins` by way and outcome, `resumes` by outcome."""

    def __init__(self, metrics: Metrics, tracer: Tracer | None = None) -> None:
        self._metrics = metrics
        self._tracer = tracer
        self.joins: Counter[tuple[str, ...]] = Counter()
        self.resumes: Counter[str] = Counter()

    def joining(self, *, by_http: bool) -> Journey:
        via = "http" if by_http else "signaling"
        journey = _Measured(self, self._metrics, via)
        return journey if self._tracer is None else _Traced(journey, self._tracer, via)

    def resumed(self, outcome: str) -> None:
        self.resumes[outcome] += 1


class _Measured:
    __slots__ = ("_arrivals", "_began", "_joined", "_metrics", "_via")

    def __init__(self, arrivals: MeasuredArrivals, metrics: Metrics, via: str) -> None:
        self._arrivals = arrivals
        self._metrics = metrics
        self._via = via
        self._began = time.perf_counter()
        self._joined = False

    def reached(self, milestone: Milestone, node: NodeId | None = None) -> None:  # noqa: ARG002 - only traces tell it
        if milestone is Milestone.JOINED:
            self._joined = True
            self._metrics.join_seconds[self._via].observe(time.perf_counter() - self._began)
            self._arrivals.joins[self._via, JOINED] += 1
        elif milestone is Milestone.FLOWING:
            self._metrics.first_media_seconds[self._via].observe(time.perf_counter() - self._began)

    def ended(self, code: str) -> None:
        if not self._joined:
            self._arrivals.joins[self._via, code] += 1


class _Traced:
    """Notes when each milestone was reached, and tells the trace of the way to it."""

    __slots__ = ("_at", "_journey", "_passed", "_trace")

    def __init__(self, journey: _Measured, tracer: Tracer, via: str) -> None:
        self._journey = journey
        self._at = time.time_ns()
        self._trace: Trace | None = tracer.begin(via, self._at)
        self._passed: set[Milestone] = set()

    def reached(self, milestone: Milestone, node: NodeId | None = None) -> None:
        self._journey.reached(milestone, node)
        if self._trace is None or milestone in self._passed:
            return
        self._passed.add(milestone)
        began, self._at = self._at, time.time_ns()
        self._trace.step(milestone, began, self._at, node)
        if milestone is Milestone.FLOWING:
            self._trace.end(self._at)
            self._trace = None

    def ended(self, code: str) -> None:
        self._journey.ended(code)
        if self._trace is not None:
            self._trace.end(time.time_ns(), code)
            self._trace = None
