"""Where machines become media nodes. How, is said in `media_adapters.wire.enrolment`."""

from typing import TypeVar

import structlog
from aiohttp import web
from pydantic import ValidationError

from control_plane.errors import ControlPlaneError
from control_plane.http.problems import problem_response
from control_plane.nodes.enrolment_errors import EnrolmentRefused
from control_plane.nodes.identity import ControlKey
from control_plane.nodes.records import NodeRecord, NodeRecords, NodeState
from control_plane.nodes.redis_time import RedisTime
from control_plane.nodes.trust import NodeTrust
from media_adapters.models import Value
from media_adapters.wire import BadKey, public_key
from media_adapters.wire.enrolment import (
    CHALLENGE_PATH,
    ENROLMENT_PATH,
    TIME_HEADER,
    TIME_PATH,
    ChallengeRequest,
    Enrolled,
    EnrolmentRequest,
    EnrolmentToken,
    is_proven,
)

log = structlog.get_logger()

MAX_BODY = 4096
CHALLENGE_MS = 60_000
ValueT = TypeVar("ValueT", bound=Value)


class EnrolmentRoutes:
    """Asked by machines that nobody knows yet: what they say is believed once token, challenge and key fit."""

    def __init__(self, records: NodeRecords, trust: NodeTrust, time: RedisTime, control_key: ControlKey) -> None:
        self._records, self._trust, self._time, self._key = records, trust, time, control_key

    def mount(self, app: web.Application) -> None:
        app.router.add_get(TIME_PATH, self._tell_time)
        app.router.add_post(CHALLENGE_PATH, self._challenge)
        app.router.add_post(ENROLMENT_PATH, self._enrol)

    async def _tell_time(self, _: web.Request) -> web.Response:
        try:
            now_ms = await self._time.now_ms()
        except ControlPlaneError as error:
            return problem_response(error)
        return web.Response(status=204, headers={TIME_HEADER: str(now_ms)})

    async def _challenge(self, request: web.Request) -> web.Response:
        try:
            asked = await _read(request, ChallengeRequest)
            challenge = self._key.challenge(asked, await self._time.now_ms())
        except ControlPlaneError as error:
            return problem_response(error)
        return _json(challenge, challenge.at)

    async def _enrol(self, request: web.Request) -> web.Response:
        try:
            asked = await _read(request, EnrolmentRequest)
            now_ms = await self._time.now_ms()
            record = await self._enter(asked, now_ms)
        except ControlPlaneError as error:
            return problem_response(error)
        return _json(self._outcome(record, asked), now_ms)

    async def _enter(self, asked: EnrolmentRequest, now_ms: int) -> NodeRecord:
        try:
            self._expect_proven(asked, now_ms)
            record = await self._records.enrol(EnrolmentToken(asked.token_id, asked.secret), asked.public_key)
        except EnrolmentRefused as error:
            log.warning("enrolment_refused", token=asked.token_id, reason=error.code)
            raise
        log.info("node_enrolled", node=record.id, region=record.region, state=record.state)
        await self._trust.load()  # the others hear of it when it is approved
        return record

    def _expect_proven(self, asked: EnrolmentRequest, now_ms: int) -> None:
        try:
            key = public_key(asked.public_key)
        except BadKey as error:
            raise EnrolmentRefused from error
        first = ChallengeRequest(token_id=asked.token_id, public_key=asked.public_key)
        ours = self._key.made(first, asked.challenge) and abs(now_ms - asked.challenge.at) <= CHALLENGE_MS
        if not ours or not is_proven(asked, key):
            raise EnrolmentRefused

    def _outcome(self, record: NodeRecord, asked: EnrolmentRequest) -> Enrolled:
        approved = record.state is NodeState.APPROVED
        return self._key.enrolled(record.id, record.region or "", "approved" if approved else "pending", asked)


async def _read(request: web.Request, model: type[ValueT]) -> ValueT:
    body = await request.clone(client_max_size=MAX_BODY).read()
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise EnrolmentRefused from error


def _json(answer: Value, now_ms: int) -> web.Response:
    return web.Response(
        text=answer.model_dump_json(), content_type="application/json", headers={TIME_HEADER: str(now_ms)}
    )
