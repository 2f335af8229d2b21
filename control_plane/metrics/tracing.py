"""Traces of joins, for a collector that speaks OTLP. The exporter is imported, and anything spent, only where the
operator has named one."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from control_plane.ids import ReplicaId
from control_plane.metrics.arrivals import Tracer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def wanted(environment: Mapping[str, str]) -> bool:
    """As OpenTelemetry's own variables say: an endpoint, and `OTEL_SDK_DISABLED` is not true."""
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not disabled and any(environment.get(name) for name in ENDPOINTS)


@asynccontextmanager
async def tracing(me: ReplicaId, version: str) -> AsyncIterator[Tracer | None]:
    """Send traces until left; what is left then is sent first. Raises `ValueError` when the packages are missing."""
    if not wanted(os.environ):
        yield None
        return
    try:
        from control_plane.metrics.otlp import JoinTracer  # noqa: PLC0415 - costs 0.3 s and 15 MB
    except ImportError as error:
        raise ValueError(
            "Traces need packages that are not here: install nexusvibe[tracing], or unset OTEL_EXPORTER_OTLP_ENDPOINT."
        ) from error
    tracer = JoinTracer(me, version)
    try:
        yield tracer
    finally:
        await asyncio.to_thread(tracer.shut_down)
