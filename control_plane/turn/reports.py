"""What a relay and the control plane tell each other, twice a second: traffic of rooms, and who is to be cut.

A relay holds no key but the secrets that it shares for credentials, and signs with one derived from the newest.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from control_plane.turn.secrets import TurnSecret, signing

REPORT_PATH: Final = "/internal/v1/turn/report"
TOLERANCE_S: Final = 60.0
"""That a relay's clock may differ from ours."""
_SCHEME = "NexusVibe-Relay"
_PURPOSE = b"nexusvibe.turn.v1 report"
_OPAQUE = re.compile(r"[0-9a-f]{12}-[0-9a-f]{12}")

RelayId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Tag = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
Opaque = Annotated[str, Field(pattern=rf"^{_OPAQUE.pattern}$")]
Bytes = Annotated[int, Field(ge=0, lt=1 << 53)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class RoomTraffic(_Value):
    """Bytes from and to the people of a room; `tag` is the part of their opaque ids that they share."""

    tag: Tag
    received: Bytes
    sent: Bytes

    @classmethod
    def of(cls, tag: str, received: int, sent: int) -> "RoomTraffic":
        return cls(tag=tag, received=received, sent=sent)


class Batch(_Value):
    """Traffic that counts once, however often it is told: `number` grows within one run of a relay. `day` in UTC."""

    number: Annotated[int, Field(ge=1)]
    day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    rooms: Annotated[tuple[RoomTraffic, ...], Field(max_length=500)]


class Report(_Value):
    """`run` is another at each start of the relay. `since`: the `cursor` of the last answer, 0 at first."""

    relay: RelayId
    run: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    time_ms: int
    since: Annotated[int, Field(ge=0)] = 0
    batch: Batch | None = None


class Orders(_Value):
    """Who is to be cut, and kept out for `for_s` seconds. A relay that is behind asks again with `cursor`."""

    cut: tuple[Opaque, ...]
    for_s: int
    cursor: int


class BadReport(Exception):
    """The report is malformed, not signed with a secret of ours, or not of our time."""


def sign(report: Report, known: Sequence[TurnSecret], now: float) -> tuple[bytes, str]:
    """The body to post and its `Authorization` header."""
    body = report.model_dump_json().encode()
    return body, f"{_SCHEME} {_mac(signing(known, now), body)}"


def verify(body: bytes, authorization: str, known: Sequence[TurnSecret], now: float | None = None) -> Report:
    """Raises `BadReport`."""
    scheme, _, mac = authorization.partition(" ")
    if scheme != _SCHEME or not any(hmac.compare_digest(mac.encode(), _mac(one, body).encode()) for one in known):
        raise BadReport("It is not signed with a secret that relays and replicas share now.")
    try:
        report = Report.model_validate_json(body)
    except ValidationError as error:
        raise BadReport("The body is not a report.") from error
    if abs(report.time_ms / 1000 - (time.time() if now is None else now)) > TOLERANCE_S:
        raise BadReport("The relay's clock and ours differ by more than a minute.")
    return report


def is_opaque(text: str) -> bool:
    """Whether a name at the relay is a participant's; probes have others."""
    return _OPAQUE.fullmatch(text) is not None


def room_of(opaque: str) -> str:
    return opaque.partition("-")[0]


def _mac(secret: TurnSecret, body: bytes) -> str:
    # Another key than the one that credentials are signed with: neither can be passed off as the other.
    key = hmac.digest(secret.value.encode(), _PURPOSE, hashlib.sha256)
    return hmac.digest(key, body, hashlib.sha256).hex()
