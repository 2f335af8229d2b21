"""Texts that others are shown, and that must not mislead them."""

from typing import Annotated

from pydantic import Field

from control_plane.ids import Identity

# Written with \u escapes, which the regular expressions of Python, JavaScript and Rust all read: neither control
# characters nor those that change the direction of what follows (Unicode UAX #9).
_PLAIN = r"[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"

DisplayName = Annotated[str, Field(pattern=rf"^{_PLAIN}{{1,64}}$")]
IdentityText = Annotated[Identity, Field(pattern=rf"^{_PLAIN}{{1,128}}$")]
PlainText = Annotated[str, Field(pattern=rf"^{_PLAIN}*$")]
AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
AttributeValue = Annotated[str, Field(max_length=256)]
Attributes = Annotated[
    dict[AttributeName, AttributeValue], Field(max_length=16, json_schema_extra={"additionalProperties": False})
]
"""What an application says of a person, for itself: at most 16 short texts."""
