"""A collector of traces: speaks OTLP over HTTP (protobuf), and keeps what it is sent."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Span:
    """Times in ns since the epoch."""

    name: str
    trace: bytes
    id: bytes
    parent: bytes
    began: int
    ended: int
    failed: bool
    attributes: dict[str, Any]


@dataclass
class Collector:
    url: str = ""
    spans: list[Span] = field(default_factory=list)
    resource: dict[str, Any] = field(default_factory=dict)
    raw: list[bytes] = field(default_factory=list)

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw.append(gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body)
        sent = ExportTraceServiceRequest.FromString(self.raw[-1])
        for group in sent.resource_spans:
            self.resource = {each.key: each.value.string_value for each in group.resource.attributes}
            for scope in group.scope_spans:
                self.spans += map(_span, scope.spans)
        return web.Response(content_type="application/x-protobuf")


def _span(sent: Any) -> Span:
    return Span(
        name=sent.name,
        trace=sent.trace_id,
        id=sent.span_id,
        parent=sent.parent_span_id,
        began=sent.start_time_unix_nano,
        ended=sent.end_time_unix_nano,
        failed=sent.status.code == sent.status.STATUS_CODE_ERROR,
        attributes={each.key: each.value.string_value for each in sent.attributes},
    )


@asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield collector
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
