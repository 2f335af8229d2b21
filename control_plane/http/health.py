"""`/healthz` and `/readyz`: whether to restart this replica, and whether to send it people."""

import json
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web


class Condition(Protocol):
    """How a replica is now, from what it has noticed: being asked costs nothing and waits for nothing."""

    def running(self) -> Mapping[str, bool]:
        """Work in the background that has to go on for as long as the process does."""

    def needs(self) -> Mapping[str, bool]:
        """What there has to be for somebody to join here."""

    def wants(self) -> Mapping[str, bool]:
        """What people can join without, though something else does not work then."""


class Health:
    def __init__(self, condition: Condition) -> None:
        self._condition = condition

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)

    async def _alive(self, _: web.Request) -> web.Response:
        """200 while the event loop turns, or there is no answer, and all work goes on. 503 with what has ended."""
        ended = [work for work, goes_on in self._condition.running().items() if not goes_on]
        return _json(503, {"status": "broken", "ended": ended}) if ended else _json(200, {"status": "ok"})

    async def _ready(self, _: web.Request) -> web.Response:
        """200 when people can join here, else 503 with what is missing; and what does not work all the same."""
        needs = self._condition.needs()
        degraded = [part for part, there in self._condition.wants().items() if not there]
        ready = all(needs.values())
        return _json(200 if ready else 503, {"ready": ready, **needs, "degraded": degraded})


def _json(status: int, body: Mapping[str, object]) -> web.Response:
    return web.Response(
        status=status,
        content_type="application/json",
        text=json.dumps(body),
        headers={"Cache-Control": "no-store"},
    )
