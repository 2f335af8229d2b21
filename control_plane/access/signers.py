"""Who may sign room tokens beside this service, as the database says.

Every replica asks it for all of them at once, at most every few seconds and only when a token needs it: so removing an
issuer or revoking a key needs no message. While the database is away, what it said last goes on.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select

from control_plane.access.issuers import Issuer, Issuers
from control_plane.access.models import ApiKeyRow
from control_plane.clock import Clock
from control_plane.database import Database
from control_plane.errors import Unavailable

FRESH_S = 5.0
"""How long a removed issuer or a revoked key may still let somebody in."""
PATIENCE_S = 2.0
REST_S = 2.0
"""A database that did not answer is left alone for so long: everybody who joins would wait for it."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An API key that may sign: `hashes` of its secrets, each with until when it counts."""

    id: str
    room_prefix: str
    hashes: tuple[tuple[str, datetime | None], ...]

    def current(self, now: float) -> list[str]:
        moment = datetime.fromtimestamp(now, UTC)
        return [text for text, until in self.hashes if until is None or moment < until]


@dataclass(frozen=True, slots=True)
class Signers:
    issuers: Mapping[str, Issuer] = field(default_factory=dict)
    keys: Mapping[str, SigningKey] = field(default_factory=dict)


class SignerDirectory:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._issuers = Issuers(database)
        self._clock = clock
        self._known: Signers | None = None
        self._read_at = -FRESH_S
        self._rests_until = 0.0
        self._reading = asyncio.Lock()

    async def now(self) -> Signers:
        """Raises `Unavailable` while the database has never answered."""
        if self._known is None or self._clock.monotonic() - self._read_at >= FRESH_S:
            async with self._reading:
                await self._read_again()
        if self._known is None:
            raise Unavailable("The database, which knows who may sign tokens, does not answer now.")
        return self._known

    async def _read_again(self) -> None:
        began = self._clock.monotonic()
        if began - self._read_at < FRESH_S or began < self._rests_until:
            return  # somebody else has read it, or was in vain, while this one waited
        try:
            async with asyncio.timeout(PATIENCE_S):
                self._known = await self._read()
            self._read_at = began
        except (Unavailable, TimeoutError):
            self._rests_until = self._clock.monotonic() + REST_S

    async def _read(self) -> Signers:
        issuers = {issuer.name: issuer for issuer in await self._issuers.list()}
        async with self._database.transaction() as session:
            rows = await session.scalars(select(ApiKeyRow).where(ApiKeyRow.revoked_at.is_(None)))
            return Signers(issuers, {row.id: _signing_key(row) for row in rows})


def _signing_key(row: ApiKeyRow) -> SigningKey:
    hashes = [(row.secret_hash, row.expires_at)]
    if row.previous_hash is not None and row.previous_until is not None:
        until = min(row.previous_until, row.expires_at) if row.expires_at else row.previous_until
        hashes.append((row.previous_hash, until))
    return SigningKey(row.id, row.room_prefix, tuple(hashes))
