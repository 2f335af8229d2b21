"""Errors that a client may see: a stable code, a sentence that says what happened, and whether to try again.

ControlPlaneError
├── InvalidRequest       invalid_request      the message is not what the protocol says
├── TooLarge             too_large            a frame, description or text is over its limit
├── RateLimited          rate_limited         too many messages; `retry_after_ms` says when to go on
├── UnknownType          unknown_type         no such message type in this version
├── NotAllowed           not_allowed          known, but not for this connection now
├── InvalidToken         invalid_token        the room token is forged, malformed or for another service
├── ExpiredToken         expired_token        the room token was valid once
├── ResumeRefused        resume_refused       the resume token is unknown or spent: join again
├── NotFound             not_found            the thing named is not in this room
├── Conflict             conflict             it exists already, and belongs to somebody else
├── RoomFull             room_full            the room takes no more participants
├── StaleMessage         stale_message        the message belongs to an epoch or negotiation that is over
├── InvalidDescription   invalid_description  the SDP or candidate can't be used
├── NoCapacity           no_capacity          no media node can take the room now
├── MediaUnavailable     media_unavailable    the media node did not answer
├── NotSupported         not_supported        the room's media server can't do it
├── Unavailable          unavailable          live state can't be reached now
└── Internal             internal             our fault

Each area adds its own below these. `status` is the HTTP status of the same error.
"""

from typing import ClassVar


class ControlPlaneError(Exception):
    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_ms = retry_after_ms


class InvalidRequest(ControlPlaneError):
    code, status = "invalid_request", 400


class TooLarge(ControlPlaneError):
    code, status = "too_large", 413


class RateLimited(ControlPlaneError):
    code, status, retryable = "rate_limited", 429, True


class UnknownType(ControlPlaneError):
    code, status = "unknown_type", 400


class NotAllowed(ControlPlaneError):
    code, status = "not_allowed", 403


class InvalidToken(ControlPlaneError):
    code, status = "invalid_token", 401


class ExpiredToken(ControlPlaneError):
    code, status = "expired_token", 401


class ResumeRefused(ControlPlaneError):
    code, status = "resume_refused", 401


class NotFound(ControlPlaneError):
    code, status = "not_found", 404


class Conflict(ControlPlaneError):
    code, status = "conflict", 409


class RoomFull(ControlPlaneError):
    code, status = "room_full", 409


class StaleMessage(ControlPlaneError):
    code, status = "stale_message", 409


class InvalidDescription(ControlPlaneError):
    code, status = "invalid_description", 400


class NoCapacity(ControlPlaneError):
    code, status, retryable = "no_capacity", 503, True


class MediaUnavailable(ControlPlaneError):
    code, status, retryable = "media_unavailable", 503, True


class NotSupported(ControlPlaneError):
    code, status = "not_supported", 501


class Unavailable(ControlPlaneError):
    code, status, retryable = "unavailable", 503, True


class Internal(ControlPlaneError):
    code, status, retryable = "internal", 500, True
