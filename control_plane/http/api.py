"""The REST API on aiohttp: who asks, how often, what for; and every failure as a problem."""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from control_plane.errors import ControlPlaneError, Internal, InvalidRequest, RateLimited, TooLarge, Unavailable
from control_plane.http.conditions import IfMatch, IfNoneMatch, etag, tagged
from control_plane.http.docs import page
from control_plane.http.errors import InvalidKey, MethodNotAllowed, UnknownPath
from control_plane.http.limits import KeyLimits
from control_plane.http.openapi import document
from control_plane.http.operation import Answer, Body, Caller, Nothing, Operation, Parameters
from control_plane.http.problems import problem_response
from control_plane.ids import new_id

log = structlog.get_logger()

Authenticate = Callable[[str], Awaitable[Caller]]
"""Takes the `Authorization` header, raises `InvalidKey`."""

COMMON_ERRORS = (InvalidRequest, InvalidKey, TooLarge, RateLimited, Internal, Unavailable)
"""How every operation may fail."""
MAX_BODY = 64 * 1024
REQUEST_ID = "X-Request-Id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Api:
    """Operations under /v1, their description at /v1/openapi.json, and the same for people at /v1/docs."""

    def __init__(
        self, operations: Sequence[Operation[Any, Any]], authenticate: Authenticate, limits: KeyLimits
    ) -> None:
        self._operations = operations
        self._authenticate = authenticate
        self._limits = limits

    def mount(self, app: web.Application) -> None:
        description = document(self._operations, COMMON_ERRORS)
        text, html = json.dumps(description), page(description)

        async def openapi(_: web.Request) -> web.Response:
            return web.Response(text=text, content_type="application/json")

        async def docs(_: web.Request) -> web.Response:
            return web.Response(text=html, content_type="text/html")

        app.router.add_get("/v1/openapi.json", openapi)
        app.router.add_get("/v1/docs", docs)
        for operation in self._operations:
            app.router.add_route(operation.method, operation.path, self._handler(operation))
        app.middlewares.append(refuse_by_problem)

    def _handler(self, operation: Operation[Any, Any]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            asked = request.headers.get(REQUEST_ID, "")
            request_id = asked if _REQUEST_ID.fullmatch(asked) else new_id("rq")
            with structlog.contextvars.bound_contextvars(request=request_id):
                response = await self._answer(operation, request)
            response.headers[REQUEST_ID] = request_id
            return response

        return handle

    async def _answer(self, operation: Operation[Any, Any], request: web.Request) -> web.Response:
        try:
            caller = await self._authenticate(request.headers.get("Authorization", ""))
            await self._limits.count(caller.key)
            parameters = _parameters(operation.parameters, request)
            if isinstance(parameters, IfMatch):
                parameters.expect_given()
            body = await _body(operation.body, request)
            answer = await operation.handle(caller, parameters, body)
        except ControlPlaneError as error:
            return problem_response(error)
        except Exception:
            log.exception("request_failed", operation=operation.name)
            return problem_response(Internal("Something went wrong here; the request id leads to it in the logs."))
        return _response(operation, parameters, answer)


@web.middleware
async def refuse_by_problem(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What the router refuses below /v1 is a problem as well."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        if not request.path.startswith("/v1/"):
            raise
        response = problem_response(MethodNotAllowed(f"There is no {request.method} here."))
        response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return response
    except web.HTTPNotFound:
        if not request.path.startswith("/v1/"):
            raise
        return problem_response(UnknownPath("There is nothing at this path."))


def _response(operation: Operation[Any, Any], parameters: Parameters, answer: Answer | None) -> web.Response:
    if answer is None:
        return web.Response(status=operation.status)
    tag = {"ETag": etag(answer)} if tagged(operation) else {}
    if isinstance(parameters, IfNoneMatch) and parameters.knows(answer):
        return web.Response(status=304, headers=tag)
    response = web.Response(
        status=operation.status, text=answer.model_dump_json(), content_type="application/json", headers=tag
    )
    if operation.location is not None:
        response.headers["Location"] = operation.location.format_map(answer.model_dump(mode="json"))
    return response


def _parameters(model: type[Parameters], request: web.Request) -> Parameters:
    sources = {"path": request.match_info, "query": request.query, "header": request.headers}
    given = {name: sources[where.place][name] for name, where, _ in model.places() if name in sources[where.place]}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidRequest(_sentence(error)) from error


async def _body(model: type[Body], request: web.Request) -> Body:
    if model is Nothing:
        return Nothing()
    if (request.content_length or 0) > MAX_BODY:
        raise TooLarge(f"A request has at most {MAX_BODY} bytes.")
    try:
        raw = await request.clone(client_max_size=MAX_BODY).read()
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge(f"A request has at most {MAX_BODY} bytes.") from error
    if request.content_type != "application/json":
        raise InvalidRequest("The body has to be application/json.")
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise InvalidRequest(_sentence(error)) from error


def _sentence(error: ValidationError) -> str:
    """The first few faults, without the values: they may be long, and are known to who sent them."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)[:3]
    return "; ".join(f"{_where(fault['loc'])}: {fault['msg']}" for fault in faults)[:1000]


def _where(place: tuple[int | str, ...]) -> str:
    """Names of fields, of which some are the caller's own, and may be anything."""
    named = ".".join(str(part)[:64] for part in place) or "body"
    return "".join(letter if letter.isprintable() else "�" for letter in named)
