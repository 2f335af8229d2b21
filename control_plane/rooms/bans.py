"""Who is kept out of a room, decided without I/O.

A ban keeps an identity out whatever token it shows; a kick keeps out the tokens that were issued until then. Guests
have an identity only for one stay, so that the token which let them in is closed instead. A ban of a device keeps out
whoever comes on it, with whatever token.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from control_plane.access.devices import DeviceHash
from control_plane.access.tokens import LEEWAY_S, VerifiedToken
from control_plane.errors import ControlPlaneError
from control_plane.ids import Identity, ParticipantId, new_id
from control_plane.rooms.domain import Person
from control_plane.rooms.errors import Banned, Kicked

KICK_KEPT_S = 30 * 24 * 3600
"""Somebody may hold other tokens than the one that they came with, and those may live longer."""


class Ban(BaseModel):
    """Times are seconds since the epoch. `issued_until` makes it a kick; without `expires_at` it holds for good."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    identity: Identity
    token: str | None = None
    device: DeviceHash | None = None
    participant: ParticipantId | None = None
    issued_until: float | None = None
    expires_at: float | None = None
    reason: str = ""

    def holds(self, now: float) -> bool:
        return self.expires_at is None or self.expires_at > now

    def refuses(self, token: VerifiedToken, device: DeviceHash | None = None) -> bool:
        """Whether nobody gets in with this token, on this device."""
        if self._is_of(device):
            return True
        if token.grants.identity is None:
            return self.token == token.id
        return self.identity == token.grants.identity and self._covers(token.issued_at)

    def removes(self, person: Person) -> bool:
        """Whether this person may not stay."""
        if self._is_of(person.device):
            return True
        return self.identity == person.identity and self._covers(person.token.issued_at)

    def _is_of(self, device: DeviceHash | None) -> bool:
        return self.device is not None and self.device == device

    def _covers(self, issued_at: float) -> bool:
        return self.issued_until is None or issued_at <= self.issued_until

    def sentence(self) -> ControlPlaneError:
        why = f" Reason: {self.reason}" if self.reason else ""
        if self.issued_until is not None:
            return Kicked(f"You were removed from this room.{why}")
        until = "" if self.expires_at is None else f" until {_moment(self.expires_at)}"
        return Banned(f"You are banned from this room{until}.{why}")


def kick(person: Person, now: float, reason: str) -> Ban:
    """Issuers' clocks may be ahead of ours as far as tokens are believed before their time."""
    expires_at = max(person.token.expires_at, 0 if person.token.guest else now + KICK_KEPT_S) + LEEWAY_S
    return _of(person, reason).model_copy(update={"issued_until": now + LEEWAY_S, "expires_at": expires_at})


def ban(person: Person, now: float, reason: str, for_s: int | None, *, device: bool = False) -> Ban:
    """With `device` also of the device that the person came on, if it is known."""
    expires_at = None if for_s is None else now + for_s
    return _of(person, reason).model_copy(
        update={"expires_at": expires_at, "device": person.device if device else None}
    )


def ban_identity(identity: Identity, now: float, reason: str, for_s: int | None) -> Ban:
    """Of somebody who need not be there."""
    expires_at = None if for_s is None else now + for_s
    return Ban(id=new_id("b"), identity=identity, reason=reason, expires_at=expires_at)


def of_token(bans: Iterable[Ban], token: VerifiedToken, now: float, device: DeviceHash | None = None) -> Ban | None:
    """What keeps the bearer out."""
    return next((each for each in bans if each.holds(now) and each.refuses(token, device)), None)


def of_person(bans: Iterable[Ban], person: Person, now: float) -> Ban | None:
    """What ends the person's stay."""
    return next((each for each in bans if each.holds(now) and each.removes(person)), None)


def of_participant(bans: Iterable[Ban], participant: ParticipantId, now: float) -> Ban | None:
    """What has ended this stay."""
    return next((each for each in bans if each.holds(now) and each.participant == participant), None)


def _of(person: Person, reason: str) -> Ban:
    token = person.token.id if person.token.guest else None
    return Ban(id=new_id("b"), identity=person.identity, token=token, participant=person.id, reason=reason)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
