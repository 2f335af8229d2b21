"""The secrets that TURN servers and replicas share, in one file, so that one can follow another without a cut.

A line of the file is `NOT_BEFORE SECRET`: seconds since the epoch from which on credentials are signed with it. A TURN
server takes credentials of every secret in the file, also of one whose time has not come; so a new secret reaches all
machines before anybody signs with it, and the one before is still taken until its last credential has expired.
"""

import os
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

KEPT = 2
SECRET_BYTES = 32


class SecretsUnusable(ValueError):
    """The secrets file can't be read or makes no sense; the sentence says why, without a secret in it."""


class TooEarly(Exception):
    """A rotation now would end credentials that are still in use."""


@dataclass(frozen=True, slots=True)
class TurnSecret:
    not_before: int
    value: str = field(repr=False)


def parse(text: str) -> tuple[TurnSecret, ...]:
    """The secrets in the order of their time. Raises `SecretsUnusable`."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match line.split():
            case [not_before, value] if not_before.isdecimal() and len(value) >= SECRET_BYTES:
                found.append(TurnSecret(int(not_before), value))
            case _:
                raise SecretsUnusable(f"Line {number} of the TURN secrets is not `NOT_BEFORE SECRET` (32 characters).")
    if not found:
        raise SecretsUnusable("The file of TURN secrets holds none: `nexusvibe turn rotate` makes one.")
    return tuple(sorted(found, key=lambda secret: secret.not_before))


def signing(known: Sequence[TurnSecret], now: float) -> TurnSecret:
    """The secret to sign with: the newest whose time has come, else the first."""
    begun = [secret for secret in known if secret.not_before <= now]
    return begun[-1] if begun else known[0]


def rotated(known: Sequence[TurnSecret], now: int, *, delay: int, ttl: int) -> tuple[TurnSecret, ...]:
    """`known` with a new secret that is signed with `delay` seconds from now, and without those that nobody needs.

    Raises `TooEarly` while credentials of a secret that would have to go may still be in use: they live for `ttl`
    seconds.
    """
    fresh = TurnSecret(now + delay if known else now, secrets.token_urlsafe(SECRET_BYTES))
    kept = _still_needed(known, now, ttl)
    if len(kept) >= KEPT:
        wait = kept[1].not_before + ttl - now
        raise TooEarly(
            f"Credentials of the secret before last are in use for up to {wait} s more. Rotate then, or with --force "
            "if it has leaked: calls that use it lose their relay when they next need one."
        )
    return (*kept, fresh)


def _still_needed(known: Sequence[TurnSecret], now: int, ttl: int) -> list[TurnSecret]:
    """Without the secrets that were followed by another so long ago that their last credential has expired."""
    pairs = zip_longest(known, known[1:])
    return [secret for secret, follower in pairs if follower is None or now < follower.not_before + ttl]


class SecretsFile:
    """Reads the file again when it has changed; while it can't be read, what was read last holds."""

    def __init__(self, path: Path) -> None:
        """Raises `SecretsUnusable`."""
        self.path = path
        self._seen = self._stamp()
        self._known = read(path)

    def known(self) -> tuple[TurnSecret, ...]:
        try:
            stamp = self._stamp()
            if stamp != self._seen:
                self._known, self._seen = read(self.path), stamp
        except (OSError, SecretsUnusable):
            return self._known
        return self._known

    def _stamp(self) -> tuple[int, int]:
        try:
            status = self.path.stat()
        except OSError as error:
            raise _unreadable(self.path, error) from error
        return status.st_mtime_ns, status.st_ino


def read(path: Path) -> tuple[TurnSecret, ...]:
    """Raises `SecretsUnusable`."""
    try:
        return parse(path.read_text())
    except OSError as error:
        raise _unreadable(path, error) from error


def write(path: Path, known: Sequence[TurnSecret]) -> None:
    """Replace the file in one step, readable for its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{secret.not_before} {secret.value}\n" for secret in known)
    Path(temporary).replace(path)


def _unreadable(path: Path, error: OSError) -> SecretsUnusable:
    return SecretsUnusable(f"The TURN secrets in {path} can't be read: {error.strerror}.")
