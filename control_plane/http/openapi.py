"""The OpenAPI 3.1 document, from the operations themselves."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from control_plane.errors import ControlPlaneError
from control_plane.http.conditions import IfMatch, IfNoneMatch, tagged
from control_plane.http.errors import PreconditionFailed, PreconditionRequired
from control_plane.http.operation import Operation
from control_plane.http.problems import CONTENT_TYPE, Problem

_REF = "#/components/schemas/{model}"
_DESCRIPTION = """\
Rooms for real-time video. Ask with an API key, which an operator makes with `nexusvibe key create`, as \
`Authorization: Bearer nv_…`. Every error is a problem (RFC 9457) with a stable `code`. Every answer names the request \
in `X-Request-Id`; send one to choose it. Lists come in pages: `next` of one is `after` of the one behind it, and null \
at the end. What two may change at once carries an `ETag`, and a change of it has to say `If-Match`."""
_TAGS = {
    "tokens": "What lets people into rooms.",
    "rooms": "Rooms that were made here or that people are in now, and how they are run.",
    "participants": "Who is in a room now, what they send and what they may do.",
    "bans": "Who is kept out of a room.",
    "messages": "What is said in a room that is live.",
}


def document(
    operations: Sequence[Operation[Any, Any]], common_errors: Iterable[type[ControlPlaneError]]
) -> dict[str, Any]:
    common = tuple(common_errors)
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for operation in operations:
        paths[operation.path][operation.method.lower()] = _operation(operation, common)
    return {
        "openapi": "3.1.0",
        "info": {"title": "NexusVibe", "version": version("nexusvibe"), "description": _DESCRIPTION},
        "security": [{"key": []}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`nv_<id>_<secret>`"}},
        },
    }


def _operation(operation: Operation[Any, Any], common: tuple[type[ControlPlaneError], ...]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [operation.tag],
        "parameters": _parameters(operation),
        "responses": _responses(operation, common),
    }
    if operation.takes_body:
        described["requestBody"] = {"required": True, "content": _content("application/json", operation.body)}
    return described


def _parameters(operation: Operation[Any, Any]) -> list[dict[str, Any]]:
    properties = operation.parameters.model_json_schema(by_alias=True).get("properties", {})
    return [
        {
            "name": name,
            "in": where.place,
            "required": where.needed or field.is_required(),
            "description": field.description or "",
            "schema": _parameter_schema(properties[name]),
        }
        for name, where, field in operation.parameters.places()
    ]


def _parameter_schema(field: dict[str, Any]) -> dict[str, Any]:
    """Outside of JSON what is left out is left out, and nothing is null."""
    given = [each for each in field.get("anyOf", ()) if each != {"type": "null"}]
    kept = {name: value for name, value in field.items() if name not in {"title", "description", "anyOf"}}
    if kept.get("default", ...) is None:
        del kept["default"]
    return kept | (given[0] if len(given) == 1 else {"anyOf": given} if given else {})


def _responses(operation: Operation[Any, Any], common: tuple[type[ControlPlaneError], ...]) -> dict[str, Any]:
    conditions: tuple[type[ControlPlaneError], ...] = ()
    described = {str(operation.status): _success(operation)}
    if issubclass(operation.parameters, IfNoneMatch):
        described["304"] = {"description": "It is what you have.", "headers": _headers() | _etag_header()}
    if issubclass(operation.parameters, IfMatch):
        conditions = (PreconditionFailed, PreconditionRequired)
    return described | _failures((*common, *operation.errors, *conditions))


def _success(operation: Operation[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase, "headers": _headers()}
    if tagged(operation):
        described["headers"] |= _etag_header()
    if operation.location is not None:
        described["headers"]["Location"] = {"description": "Where it is.", "schema": {"type": "string"}}
    if operation.answer is not None:
        described["content"] = _content("application/json", operation.answer)
    return described


def _failures(errors: Iterable[type[ControlPlaneError]]) -> dict[str, Any]:
    codes: defaultdict[int, list[str]] = defaultdict(list)
    for error in errors:
        codes[error.status].append(error.code)
    return {
        str(status): {
            "description": ", ".join(f"`{code}`" for code in codes[status]),
            "headers": _headers(),
            "content": _content(CONTENT_TYPE, Problem),
        }
        for status in sorted(codes)
    }


def _headers() -> dict[str, Any]:
    return {"X-Request-Id": {"description": "Names the request in logs.", "schema": {"type": "string"}}}


def _etag_header() -> dict[str, Any]:
    return {"ETag": {"description": "Names this version of it, for `If-Match`.", "schema": {"type": "string"}}}


def _content(media_type: str, model: type[BaseModel]) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _REF.format(model=model.__name__)}}}


def _schemas(operations: Sequence[Operation[Any, Any]]) -> dict[str, Any]:
    bodies = {operation.body for operation in operations if operation.takes_body}
    answers = {operation.answer for operation in operations if operation.answer is not None} | {Problem}
    wanted = [(model, "validation") for model in bodies] + [(model, "serialization") for model in answers]
    wanted.sort(key=lambda each: each[0].__name__)
    _, schema = models_json_schema(wanted, ref_template=_REF)  # type: ignore[arg-type]
    definitions: dict[str, Any] = schema["$defs"]
    return definitions
