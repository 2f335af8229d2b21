"""`/metrics`, on an address of its own: figures tell a stranger too much, and clients arrive elsewhere."""

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from control_plane.metrics.figures import Metrics

METRICS = web.AppKey("metrics", Metrics)
"""Where a replica's application keeps its figures."""


def application(metrics: Metrics) -> web.Application:
    async def scrape(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(metrics.registry), headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_get("/metrics", scrape)
    return app


def address(listen: str) -> tuple[str, int]:
    """Of `127.0.0.1:9464` or `[::1]:9464`. Raises `ValueError` with a sentence."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("NEXUSVIBE_METRICS_LISTEN is an address and a port, such as 127.0.0.1:9464.")
    return host.removeprefix("[").removesuffix("]"), int(port)
