"""Errors as responses: problem details (RFC 9457) with our stable `code`."""

from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from control_plane.errors import ControlPlaneError

CONTENT_TYPE = "application/problem+json"
ERROR_CODE = web.ResponseKey("error_code", str)
"""What a response says of itself to who counts errors."""


class Problem(BaseModel):
    """What went wrong. `code` is stable; `detail` is for people."""

    model_config = ConfigDict(extra="forbid")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    retry_after_ms: int | None = None


def problem_response(error: ControlPlaneError) -> web.Response:
    body = Problem(
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail=error.message,
        code=error.code,
        retryable=error.retryable,
        retry_after_ms=error.retry_after_ms,
    )
    response = web.Response(status=error.status, text=body.model_dump_json(), content_type=CONTENT_TYPE)
    response[ERROR_CODE] = error.code
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="nexusvibe"'
    if error.retry_after_ms is not None:
        response.headers["Retry-After"] = str(-(-error.retry_after_ms // 1000))
    return response
