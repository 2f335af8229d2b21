"""Routes of one replica: signaling, the REST API, heartbeats of nodes, health, and the web client if it is here."""

import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from control_plane.http.api import Api

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_BODY_BYTES = 1 << 20

# The client needs itself, its websocket and its camera; nothing from other hosts.
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob: mediastream:; "
    "img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'self'",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Mountable(Protocol):
    def mount(self, app: web.Application) -> None:
        """Add its routes."""


def build(
    *,
    signal: Handle,
    heartbeat: Handle,
    ready: Callable[[], Awaitable[dict[str, bool]]],
    api: Api,
    others: Iterable[Mountable] = (),
    web_root: Path | None,
) -> web.Application:
    """`ready` names what a replica needs and whether it is there now. `others` serve paths that are no JSON."""
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_harden])
    app.router.add_get("/v1/signal", signal)
    app.router.add_post("/internal/v1/nodes/heartbeat", heartbeat)
    api.mount(app)
    for other in others:
        other.mount(app)
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz(ready))
    if web_root is not None:
        _serve_web(app, web_root)
    return app


@web.middleware
async def _harden(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if not response.prepared:
        response.headers.update(_SECURITY_HEADERS)
    return response


async def _healthz(_: web.Request) -> web.Response:
    """The process runs and answers; it says nothing of what it needs."""
    return web.json_response({"status": "ok"})


def _readyz(ready: Callable[[], Awaitable[dict[str, bool]]]) -> Handle:
    async def handle(_: web.Request) -> web.Response:
        """200 when people can join here, else 503 with what is missing."""
        needs = await ready()
        status = 200 if all(needs.values()) else 503
        return web.Response(
            status=status, content_type="application/json", text=json.dumps({"ready": status == 200, **needs})
        )

    return handle


def _serve_web(app: web.Application, root: Path) -> None:
    async def index(_: web.Request) -> web.FileResponse:
        return web.FileResponse(root / "index.html", headers={"Cache-Control": "no-cache"})

    app.router.add_get("/", index)
    app.router.add_static("/", root)
