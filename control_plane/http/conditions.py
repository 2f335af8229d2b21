"""Conditional requests (RFC 9110 §13): who changes what another has changed meanwhile is told, and changes nothing."""

import hashlib
import re
from typing import Annotated, Any

from pydantic import BaseModel, Field

from control_plane.http.errors import PreconditionFailed, PreconditionRequired
from control_plane.http.operation import In, Operation, Parameters

_TAG = r'(?:W/)?"[\x21\x23-\x7e]{0,64}"'
_TAGS = rf"^(?:\*|(?:{_TAG}(?:[ \t]*,[ \t]*{_TAG}){{0,15}})?)$"
_EACH = re.compile(_TAG)


class IfMatch(Parameters):
    """Of a change. Without the header it is refused."""

    if_match: Annotated[
        str | None,
        In("header", needed=True),
        Field(
            alias="If-Match",
            pattern=_TAGS,
            description="The `ETag` of what you change, as you have read it; `*` to change it whatever it is.",
        ),
    ] = None

    def expect_given(self) -> None:
        """Raises `PreconditionRequired`."""
        if self.if_match is None:
            raise PreconditionRequired("Send the ETag of what you have read as If-Match, or * to change it anyway.")

    def expect(self, now: BaseModel) -> None:
        """Ask before the change, in the same step. Raises `PreconditionFailed`."""
        given = self.if_match or ""
        if given != "*" and etag(now) not in _EACH.findall(given):
            raise PreconditionFailed("It was changed since you read it: read it again.")


class IfNoneMatch(Parameters):
    """Of a question whose answer may be known already."""

    if_none_match: Annotated[
        str | None,
        In("header"),
        Field(
            alias="If-None-Match",
            pattern=_TAGS,
            description="The `ETag` of what you have; if it is that still, the answer is 304 without a body.",
        ),
    ] = None

    def knows(self, now: BaseModel) -> bool:
        """Compared weakly (RFC 9110 §13.1.2)."""
        given = self.if_none_match or ""
        return given == "*" or etag(now) in (tag.removeprefix("W/") for tag in _EACH.findall(given))


def tagged(operation: Operation[Any, Any]) -> bool:
    """Whether what it answers carries an ETag."""
    return issubclass(operation.parameters, IfMatch | IfNoneMatch)


def etag(shown: BaseModel) -> str:
    """The same for equal representations, and for no others."""
    return f'"{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:24]}"'
