"""What can go wrong when the API is asked.

NexusVibeError
├── Unreachable             no answer came: the connection, TLS or the deadline failed
└── Refused                 the API said no: `code` is stable, `detail` a sentence
    ├── InvalidRequest      400, 413: what was asked can't be
    ├── InvalidKey          401: the API key is missing, unknown, revoked or expired
    ├── NotAllowed          403: not with this key
    ├── NotFound            404
    ├── Conflict            409
    ├── PreconditionFailed  412: somebody has changed it since it was read; read it again
    ├── RateLimited         429: ask again after `retry_after` seconds
    └── ServerFault         5xx
"""

from typing import ClassVar

from nexusvibe_client.models import Problem


class NexusVibeError(Exception):
    """Of everything that this package raises."""

    retryable: bool = True
    retry_after: float | None = None
    """Seconds that the server wants to be left alone, if it said so."""


class Unreachable(NexusVibeError):
    """Whether the request had an effect is not known."""


class Refused(NexusVibeError):
    statuses: ClassVar[frozenset[int]] = frozenset()

    def __init__(self, problem: Problem, request_id: str) -> None:
        super().__init__(f"{problem['code']}: {problem['detail']}")
        self.status = problem["status"]
        self.code = problem["code"]
        self.detail = problem["detail"]
        self.retryable = problem["retryable"]
        wait_ms = problem.get("retry_after_ms")
        self.retry_after = None if wait_ms is None else wait_ms / 1000
        self.request_id = request_id
        """Leads to the request in the server's logs."""


class InvalidRequest(Refused):
    statuses = frozenset({400, 413})


class InvalidKey(Refused):
    statuses = frozenset({401})


class NotAllowed(Refused):
    statuses = frozenset({403})


class NotFound(Refused):
    statuses = frozenset({404})


class Conflict(Refused):
    statuses = frozenset({409})


class PreconditionFailed(Refused):
    statuses = frozenset({412})


class RateLimited(Refused):
    statuses = frozenset({429})


class ServerFault(Refused):
    statuses = frozenset(range(500, 600))


def refused(problem: Problem, request_id: str) -> Refused:
    kinds = (kind for kind in Refused.__subclasses__() if problem["status"] in kind.statuses)
    return next(kinds, Refused)(problem, request_id)
