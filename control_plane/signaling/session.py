"""One signaling connection as a state machine without I/O: text in, decisions out.

The shell (`endpoint`) feeds frames to `receive` and carries out what comes back, in order: send this text, hand this
request to its handler, close. Limits hold before anything is parsed. What a connection may ask is which handlers it
has, so the session knows nothing of rooms.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from pydantic import ValidationError

from control_plane.errors import ControlPlaneError, InvalidRequest, NotAllowed, RateLimited, TooLarge, UnknownType
from control_plane.signaling.messages import (
    CLIENT_MESSAGE,
    ClientMessage,
    CloseCode,
    DoneResult,
    ErrorMessage,
    Ping,
    PongResult,
    Reply,
    Request,
    Result,
)
from control_plane.signaling.traffic import Traffic
from media_adapters.models import MAX_SDP_CHARS


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask of a connection before it is told off or cut off.

    `rate` messages per second on average with bursts of `burst`; a client that keeps going after `strikes` refusals
    in a row is disconnected. `frame` in characters: an SDP as JSON, with room for its escapes.
    """

    frame: int = MAX_SDP_CHARS + 56_000
    rate: float = 50.0
    burst: int = 200
    strikes: int = 100
    malformed: int = 10


@dataclass(frozen=True, slots=True)
class Send:
    text: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    message: ClientMessage


@dataclass(frozen=True, slots=True)
class Close:
    code: int
    reason: str


Output = Send | Dispatch | Close


@dataclass(slots=True)
class Session:
    """`allowed` names the request types that the connection has handlers for; the shell replaces it as it moves on.
    `traffic` is counted for all connections together."""

    allowed: Collection[type[Request]]
    limits: Limits = field(default_factory=Limits)
    traffic: Traffic = field(default_factory=Traffic)
    seq: int = 0
    _tokens: float = field(init=False)
    _refilled_at: float = 0.0
    _strikes: int = 0
    _malformed: int = 0

    def __post_init__(self) -> None:
        self._tokens = self.limits.burst

    def receive(self, text: str, now: float) -> list[Output]:
        """What to do about a frame that arrived at `now` (monotonic seconds)."""
        if len(text) > self.limits.frame:
            return [
                Send(self.error(None, TooLarge(f"A message has at most {self.limits.frame} characters."))),
                Close(CloseCode.TOO_LARGE, "message too large"),
            ]
        if not self._take_token(now):
            return self._too_fast(text)
        try:
            message = CLIENT_MESSAGE.validate_json(text)
        except ValidationError as invalid:
            return self._refuse(text, invalid)
        self._strikes = 0
        self.traffic.requests[message.type] += 1
        if isinstance(message, Ping):  # answered here: a sign of life must not wait behind a slow request
            pong = self.reply(message.id, PongResult())
            return [Send(pong)] if pong else []
        if type(message) not in self.allowed:
            return [
                Send(self.error(message.id, NotAllowed(f"{message.type!r} is not possible on this connection now.")))
            ]
        return [Dispatch(message)]

    def reply(self, request_id: int | None, result: Result | None) -> str | None:
        """The reply to a request, or nothing when it asked for none."""
        if request_id is None:
            return None
        self.traffic.replies += 1
        return Reply.model_construct(id=request_id, result=result or DoneResult()).model_dump_json(exclude_none=True)

    def error(self, request_id: int | None, error: ControlPlaneError) -> str:
        self.traffic.errors[error.code] += 1
        return _error(request_id, error)

    def event(self, body: str) -> str:
        """The next event of this connection. `body` is a JSON object without `seq`, encoded once for all receivers."""
        self.seq += 1
        self.traffic.events += 1
        return f'{body[:-1]},"seq":{self.seq}}}'

    def _take_token(self, now: float) -> bool:
        if self._refilled_at:
            self._tokens = min(self.limits.burst, self._tokens + (now - self._refilled_at) * self.limits.rate)
        self._refilled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _too_fast(self, text: str) -> list[Output]:
        self._strikes += 1
        wait_ms = int(1000 / self.limits.rate) + 1
        error = RateLimited(f"At most {self.limits.rate:g} messages a second.", retry_after_ms=wait_ms)
        outputs: list[Output] = [Send(self.error(_glimpsed_id(text), error))]
        if self._strikes >= self.limits.strikes:
            outputs.append(Close(CloseCode.TOO_FAST, "too many messages"))
        return outputs

    def _refuse(self, text: str, invalid: ValidationError) -> list[Output]:
        """A message with a mistake is refused and forgotten; who sends what is no message at all is cut off."""
        error = _explain(invalid)
        outputs: list[Output] = [Send(self.error(_request_id(text), error))]
        self._malformed += isinstance(error, NotAMessage)
        if self._malformed >= self.limits.malformed:
            outputs.append(Close(CloseCode.PROTOCOL_ERROR, "too many malformed messages"))
        return outputs


_ID = re.compile(r'"id"\s*:\s*(\d{1,15})\s*[,}]')


class NotAMessage(InvalidRequest):
    """Not an object with a type: whoever sends this does not speak the protocol."""


def _glimpsed_id(text: str) -> int | None:
    """The id of a request that is too many to be parsed, if it stands at its beginning or end."""
    found = _ID.search(text[:64]) or _ID.search(text[-32:])
    return int(found.group(1)) if found else None


def _request_id(text: str) -> int | None:
    """The id of a request that is otherwise invalid, so that its sender learns which one failed."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = value.get("id") if isinstance(value, dict) else None
    return found if type(found) is int and 0 <= found < 2**53 else None


def _explain(invalid: ValidationError) -> ControlPlaneError:
    """A sentence about the first thing that is wrong. It never quotes the input, which may be a secret."""
    first = invalid.errors(include_url=False, include_input=False, include_context=True)[0]
    match first["type"]:
        case "json_invalid" | "model_attributes_type" | "dict_type" | "model_type":
            return NotAMessage("A message is one JSON object with a type.")
        case "union_tag_not_found":
            return NotAMessage("The message has no type.")
        case "union_tag_invalid":
            return UnknownType("There is no such message type in this protocol version.")
    where = ".".join(str(part) for part in first["loc"][1:]) or "message"
    return InvalidRequest(f"{where}: {first['msg']}.")


def _error(request_id: int | None, error: ControlPlaneError) -> str:
    return ErrorMessage(
        id=request_id,
        code=error.code,
        message=error.message,
        retryable=error.retryable,
        retry_after_ms=error.retry_after_ms,
    ).model_dump_json(exclude_none=True)
