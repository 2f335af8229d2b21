"""Where relays report: any replica takes any relay's traffic, and answers with whom to cut."""

from collections import defaultdict
from http import HTTPStatus

import structlog
from aiohttp import web

from control_plane.clock import Clock
from control_plane.errors import Unavailable
from control_plane.turn.cuts import TurnCuts
from control_plane.turn.reports import REPORT_PATH, BadReport, Report, verify
from control_plane.turn.service import TurnRelays
from control_plane.turn.usage import TurnUsage

log = structlog.get_logger()

MAX_REPORT = 256 * 1024


class RelayReportRoute:
    """`relayed`: bytes by relay that this replica was told of, received and sent; a batch whose answer got lost may be
    in it twice."""

    def __init__(self, relays: TurnRelays, usage: TurnUsage, cuts: TurnCuts, clock: Clock) -> None:
        self._relays = relays
        self._usage = usage
        self._cuts = cuts
        self._clock = clock
        self.relayed: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def mount(self, app: web.Application) -> None:
        app.router.add_post(REPORT_PATH, self.post)

    async def post(self, request: web.Request) -> web.Response:
        """200 with orders, once the traffic is counted. A stranger learns nothing from the answer."""
        body = await request.clone(client_max_size=MAX_REPORT).read()
        try:
            report = verify(body, request.headers.get("Authorization", ""), self._relays.secrets(), self._clock.now())
        except BadReport as error:
            log.warning("relay_report_refused", reason=str(error))
            return _problem(HTTPStatus.UNAUTHORIZED, "invalid_report", "The report is not accepted.")
        try:
            await self._count(report)
            orders = await self._cuts.since(report.since)
        except Unavailable as error:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, error.message)
        return web.Response(content_type="application/json", text=orders.model_dump_json())

    async def _count(self, report: Report) -> None:
        if report.batch is None:
            return
        if not await self._usage.count(report.run, report.batch, self._clock.now()):
            log.warning("relay_traffic_too_old", relay=report.relay, day=report.batch.day)
            return
        received, sent = self.relayed[report.relay]
        self.relayed[report.relay] = (
            received + sum(room.received for room in report.batch.rooms),
            sent + sum(room.sent for room in report.batch.rooms),
        )


def _problem(status: HTTPStatus, code: str, detail: str) -> web.Response:
    """Problem details (RFC 9457), with our stable `code`."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, "code": code}
    return web.json_response(body, status=status, content_type="application/problem+json")
