"""Routes of one replica: signaling, the REST API, heartbeats of nodes, health, and the web client if it is here."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from control_plane.http.api import Api
from control_plane.http.docs import STYLE_SOURCE
from control_plane.http.traffic import HttpTraffic

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_BODY_BYTES = 1 << 20

# The client needs itself, its websocket and its camera; nothing from other hosts, and no style or script in a page but
# the style of the API's description.
_CONTENT_SECURITY = (
    "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob: mediastream:; img-src 'self' data: blob:; "
    f"style-src 'self' {STYLE_SOURCE}; object-src 'none'; base-uri 'none'; frame-ancestors "
)
_SECURITY_HEADERS = {
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# The SDK is code without secrets: any page may run it. What it reaches is decided by the room token that it is given.
_FOR_ANY_PAGE = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
SDK = "/sdk/"


class Mountable(Protocol):
    def mount(self, app: web.Application) -> None:
        """Add its routes."""


def build(
    *,
    signal: Handle,
    heartbeat: Handle,
    api: Api,
    others: Iterable[Mountable] = (),
    traffic: HttpTraffic,
    web_root: Path | None,
    embed_origins: Sequence[str] = (),
) -> web.Application:
    """`others` serve what is not part of the API. Pages of `embed_origins` may show the page in a frame."""
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[traffic.middleware(), _harden(embed_origins)])
    app.router.add_get("/v1/signal", signal)
    app.router.add_post("/internal/v1/nodes/heartbeat", heartbeat)
    api.mount(app)
    for other in others:
        other.mount(app)
    if web_root is not None:
        _serve_web(app, web_root)
    return app


def _harden(embed_origins: Sequence[str]) -> Middleware:
    framed_by = " ".join(("'self'", *embed_origins))
    always = _SECURITY_HEADERS | {"Content-Security-Policy": f"{_CONTENT_SECURITY}{framed_by}"}

    @web.middleware
    async def harden(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if not response.prepared:
            response.headers.update(always | _FOR_ANY_PAGE if request.path.startswith(SDK) else always)
        return response

    return harden


def _serve_web(app: web.Application, root: Path) -> None:
    async def index(_: web.Request) -> web.FileResponse:
        return web.FileResponse(root / "index.html", headers={"Cache-Control": "no-cache"})

    app.router.add_get("/", index)
    app.router.add_static("/", root)
