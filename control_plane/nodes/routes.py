"""Where media nodes report: any replica takes any node's heartbeat."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

import structlog
from aiohttp import web

from control_plane.clock import Clock, SystemClock
from control_plane.errors import ControlPlaneError, Unavailable
from control_plane.http.problems import problem_response
from control_plane.ids import NodeId
from control_plane.nodes.duplicates import Duplicates
from control_plane.nodes.heartbeat_errors import (
    AnotherAgent,
    HeartbeatRefused,
    NodePending,
    NodeRemoved,
    OtherRegion,
    StaleHeartbeat,
    WrongTime,
)
from control_plane.nodes.models import Node
from control_plane.nodes.records import NodeState
from control_plane.nodes.redis_time import RedisTime
from control_plane.nodes.store import NodeStore
from control_plane.nodes.trust import NodeTrust
from media_adapters.wire import BadHeartbeat, Heartbeat, NotOfOurTime, verify_heartbeat
from media_adapters.wire.enrolment import TIME_HEADER

log = structlog.get_logger()

MAX_HEARTBEAT = 64 * 1024


class HeartbeatRoute:
    """Mounted at `HEARTBEAT_PATH`. `known`: the nodes as this replica sees them, from every replica's heartbeats."""

    def __init__(
        self,
        store: NodeStore,
        trust: NodeTrust,
        time: RedisTime,
        known: Callable[[], Mapping[NodeId, Node]],
        clock: Clock | None = None,
    ) -> None:
        self._store, self._trust, self._time, self._known = store, trust, time, known
        self._clock = clock or SystemClock()
        self._duplicates = Duplicates()
        self._told: dict[NodeId, str] = {}
        self._seen: dict[NodeId, tuple[int, int]] = {}
        """When the last that was believed came here, Redis time in ms, and its sequence."""

    async def post(self, request: web.Request) -> web.Response:
        """204 once recorded. A stranger learns nothing from the answer; the reason is in the log.

        Every answer tells the control plane's time: the next heartbeat is of it, whatever the node's clock says.
        """
        body = await request.clone(client_max_size=MAX_HEARTBEAT).read()
        try:
            now_ms = await self._time.now_ms()
        except Unavailable as error:
            return problem_response(error)
        try:
            await self._record(body, request.headers.get("Authorization", ""), now_ms)
        except ControlPlaneError as error:
            response = problem_response(error)
        else:
            response = web.Response(status=HTTPStatus.NO_CONTENT)
        response.headers[TIME_HEADER] = str(now_ms)
        return response

    async def _record(self, body: bytes, authorization: str, now_ms: int) -> None:
        report = self._verified(body, authorization, now_ms)
        try:
            self._expect_approved(report)
            self._expect_alone(report, now_ms)
            if not await self._store.record(report):
                raise StaleHeartbeat
        except HeartbeatRefused as error:
            self._tell(report.node, error)
            raise
        self._told.pop(report.node, None)

    def _tell(self, node: NodeId, error: HeartbeatRefused) -> None:
        """The same only once, until one of the node is taken: it goes on to report each second."""
        if self._told.get(node) != error.code:
            self._told[node] = error.code
            level = log.error if isinstance(error, AnotherAgent) else log.warning
            level(error.event, node=node, reason=error.reason)

    def _verified(self, body: bytes, authorization: str, now_ms: int) -> Heartbeat:
        try:
            return verify_heartbeat(body, authorization, self._trust.signers, now_ms / 1000)
        except BadHeartbeat as error:
            log.warning("heartbeat_refused", reason=str(error))
            raise (WrongTime if isinstance(error, NotOfOurTime) else HeartbeatRefused) from error

    def _expect_approved(self, report: Heartbeat) -> None:
        match self._trust.state(report.node):
            case NodeState.PENDING:
                raise NodePending
            case NodeState.REMOVED:
                raise NodeRemoved
        if (region := self._trust.region(report.node)) is not None and report.region != region:
            raise OtherRegion

    def _expect_alone(self, report: Heartbeat, now_ms: int) -> None:
        """What other replicas heard counts too, if it is newer than what we did. What is only repeated proves nothing
        of who lives."""
        node, now = report.node, self._clock.monotonic()
        at, sequence = self._seen.get(node, (0, -1))
        elsewhere = self._known().get(node)
        if elsewhere is not None and elsewhere.last_heartbeat > at:
            sequence = max(sequence, elsewhere.sequence)
            self._duplicates.believes(node, elsewhere.started_at, now)
        if report.sequence <= sequence:
            raise StaleHeartbeat
        if not self._duplicates.believes(node, report.started_at, now):
            raise AnotherAgent
        self._seen[node] = now_ms, report.sequence
