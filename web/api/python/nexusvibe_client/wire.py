"""What goes over the wire, without sending it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx

from nexusvibe_client.errors import NexusVibeError, Refused, refused
from nexusvibe_client.models import Problem

T = TypeVar("T")

ATTEMPTS = 3
LONGEST_WAIT_S = 5.0

ANYWAY: Literal["*"] = "*"
"""In place of what was read before: change it, whatever it is now."""


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """Something as it was when it was read. Give it back with a change, which is then refused (`PreconditionFailed`)
    if somebody else was quicker."""

    value: T
    etag: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `repeatable`: sent twice it has the effect of once, so that a lost answer may be asked for again."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False


def get(*parts: str, known: Seen[Any] | None = None, query: Mapping[str, str | None] | None = None) -> Call:
    headers = {"If-None-Match": known.etag} if known else {}
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return Call("GET", path(*parts), query=given, headers=headers, repeatable=True)


def make(*parts: str, body: Mapping[str, Any], key: str | None) -> Call:
    """Make something, once for each idempotency key; without one it gets its own, for this call and its repetitions."""
    return Call("POST", path(*parts), body, headers={"Idempotency-Key": key or str(uuid4())}, repeatable=True)


def change(*parts: str, body: Mapping[str, Any], seen: Seen[Any] | Literal["*"]) -> Call:
    return Call("PATCH", path(*parts), body, headers={"If-Match": seen if isinstance(seen, str) else seen.etag})


def act(*parts: str, method: str = "POST", body: Mapping[str, Any] | None = None) -> Call:
    return Call(method, path(*parts), body)


def path(*parts: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def expect_success(response: httpx.Response) -> None:
    """Raises `Refused`."""
    if not response.is_error:
        return
    raise refused(_problem(response), response.headers.get("X-Request-Id", ""))


def pause(error: NexusVibeError, attempt: int, call: Call) -> float | None:
    """Seconds to wait before `call` is tried once more after its `attempt`th failure, from 1; None: do not."""
    if not (call.repeatable and error.retryable) or attempt >= ATTEMPTS:
        return None
    if isinstance(error, Refused) and error.retry_after is not None:
        return error.retry_after if error.retry_after <= LONGEST_WAIT_S else None
    return 0.1 * 4.0 ** (attempt - 1)


def _problem(response: httpx.Response) -> Problem:
    """What the API says; of something in between, such as a proxy, what its status says."""
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        problem: Problem = response.json()
        return problem
    status = response.status_code
    title = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    retryable = status in {502, 503, 504}
    return Problem(
        title=title, status=status, code="not_from_the_api", retryable=retryable, detail=f"{title} ({status})"
    )
