"""Where media nodes report: any replica takes any node's heartbeat."""

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from aiohttp import web

from control_plane.errors import Unavailable
from control_plane.ids import NodeId
from control_plane.nodes.store import NodeStore
from media_adapters.wire import BadHeartbeat, public_key, verify_heartbeat

log = structlog.get_logger()

MAX_HEARTBEAT = 64 * 1024


class HeartbeatRoute:
    """Mounted at `HEARTBEAT_PATH`. `trusted`: public key (base64) of each node that is believed.

    Raises `BadKey` when one can't be read.
    """

    def __init__(self, store: NodeStore, trusted: Mapping[NodeId, str]) -> None:
        for key in trusted.values():
            public_key(key)
        self._store = store
        self._trusted = trusted

    async def post(self, request: web.Request) -> web.Response:
        """204 once recorded. A stranger learns nothing from the answer; the reason is in the log."""
        body = await request.clone(client_max_size=MAX_HEARTBEAT).read()
        try:
            report = verify_heartbeat(body, request.headers.get("Authorization", ""), self._trusted)
        except BadHeartbeat as error:
            log.warning("heartbeat_refused", reason=str(error))
            return _problem(HTTPStatus.UNAUTHORIZED, "invalid_heartbeat", "The heartbeat is not accepted.")
        try:
            recorded = await self._store.record(report)
        except Unavailable as error:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, error.message)
        if not recorded:
            log.warning("heartbeat_refused", node=report.node, reason="its sequence was seen before")
            return _problem(HTTPStatus.CONFLICT, "stale_heartbeat", "A newer heartbeat is known.")
        return web.Response(status=HTTPStatus.NO_CONTENT)


def _problem(status: HTTPStatus, code: str, detail: str) -> web.Response:
    """Problem details (RFC 9457), with our stable `code`."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, "code": code}
    return web.json_response(body, status=status, content_type="application/problem+json")
