"""Joins as OpenTelemetry spans: one trace each, from the request to the first media, one child for each step.

Spans are made from times that were noted, so that no context has to follow a join through the code. They say how it
went and on which node, and nothing of who joined where.
"""

import os
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace import Tracer as OtelTracer

from control_plane.ids import NodeId, ReplicaId
from control_plane.rooms.arrivals import Milestone

STEPS: Final = {
    Milestone.VERIFIED: "verify token",
    Milestone.ENTERED: "enter room",
    Milestone.PLACED: "place room",
    Milestone.JOINED: "reply",
    Milestone.OFFERED: "wait for offer",
    Milestone.ANSWERED: "wait for answer",
    Milestone.FLOWING: "wait for media",
}
"""What leads to each milestone."""
UNEVENTFUL: Final = frozenset({"lobby", "left", "detached", "moved_on", "replaced"})
"""Why a join ended before any media, without a fault."""


class JoinTracer:
    """Sends in the background, in batches; where to and how is in the OTEL_… variables (service name, headers,
    sampler). A collector that is away costs spans, nothing else."""

    def __init__(self, me: ReplicaId, version: str) -> None:
        known = {"service.instance.id": me, "service.version": version}
        if not os.environ.get("OTEL_SERVICE_NAME"):
            known["service.name"] = "nexusvibe"
        resource = Resource.create(known)
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("nexusvibe", version)

    def begin(self, via: str, began_ns: int) -> "JoinTrace":
        span = self._tracer.start_span("join", Context(), SpanKind.SERVER, {"nexusvibe.via": via}, start_time=began_ns)
        return JoinTrace(self._tracer, span)

    def shut_down(self) -> None:
        """Send what is left. Blocks, for as long as the exporter waits for the collector."""
        self._provider.shutdown()


class JoinTrace:
    def __init__(self, tracer: OtelTracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span
        self._context = set_span_in_context(span, Context())

    def step(self, milestone: Milestone, began_ns: int, ended_ns: int, node: NodeId | None) -> None:
        if node is not None:
            self._span.set_attribute("nexusvibe.node", node)
        self._tracer.start_span(STEPS[milestone], self._context, start_time=began_ns).end(ended_ns)

    def end(self, ended_ns: int, why: str = "") -> None:
        if why:
            self._span.set_attribute("nexusvibe.outcome", why)
            if why not in UNEVENTFUL:
                self._span.set_status(Status(StatusCode.ERROR, why))
        self._span.end(ended_ns)
