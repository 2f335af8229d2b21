"""API keys of integrators: `nv_<id>_<secret>`, scoped to the rooms whose names begin with a prefix.

A secret is 256 random bits, so that a plain hash hides it. It is shown once, when the key is made or rotated; after a
rotation the one before is taken for a while, so that an integrator can change over without a gap.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from control_plane.access.errors import UnknownKey
from control_plane.access.models import ApiKeyRow
from control_plane.clock import Clock, SystemClock
from control_plane.database import Database
from control_plane.http.errors import InvalidKey

LAST_USE_STEP = timedelta(minutes=1)
"""How exact the time of last use is: it is written at most so often."""
MAX_KEY = 128


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secrets. Times are in UTC."""

    id: str
    name: str
    room_prefix: str
    created_at: datetime
    rotated_at: datetime | None
    previous_until: datetime | None
    """Until when the secret before the last rotation is taken."""
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def state(self, now: datetime) -> str:
        """`active`, `revoked` or `expired`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


class ApiKeys:
    """Every method may raise `Unavailable`."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)

    async def create(self, name: str, room_prefix: str = "", expires_in: timedelta | None = None) -> tuple[ApiKey, str]:
        """A new key, and what its owner shows: it can't be read again."""
        secret, now = secrets.token_urlsafe(32), self.now()
        row = ApiKeyRow(
            id=secrets.token_hex(6),
            name=name,
            room_prefix=room_prefix,
            secret_hash=_hash(secret),
            created_at=now,
            expires_at=now + expires_in if expires_in else None,
        )
        async with self._database.transaction() as session:
            session.add(row)
        return _key(row), f"nv_{row.id}_{secret}"

    async def list(self) -> list[ApiKey]:
        """All there ever were, newest first."""
        async with self._database.transaction() as session:
            rows = await session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.id))
            return [_key(row) for row in rows]

    async def rotate(self, key_id: str, overlap: timedelta) -> tuple[ApiKey, str]:
        """Give the key another secret; the one before is taken for `overlap`. Raises `UnknownKey`."""
        secret, now = secrets.token_urlsafe(32), self.now()
        async with self._database.transaction() as session:
            row = await session.get(ApiKeyRow, key_id, with_for_update=True)
            if row is None or row.revoked_at is not None:
                raise UnknownKey(f"There is no key {key_id} that could be rotated.")
            row.previous_hash, row.secret_hash = row.secret_hash, _hash(secret)
            row.previous_until, row.rotated_at = now + overlap, now
        return _key(row), f"nv_{row.id}_{secret}"

    async def revoke(self, key_id: str) -> ApiKey:
        """Refuse the key from now on. No-op when it is revoked already. Raises `UnknownKey`."""
        async with self._database.transaction() as session:
            row = await session.get(ApiKeyRow, key_id, with_for_update=True)
            if row is None:
                raise UnknownKey(f"There is no key {key_id}.")
            row.revoked_at = row.revoked_at or self.now()
        return _key(row)

    async def secret_hash(self, key_id: str) -> str:
        """What the key's signing secret follows from, beside the service's own. Raises `UnknownKey`."""
        async with self._database.transaction() as session:
            row = await session.get(ApiKeyRow, key_id)
        if row is None or _key(row).state(self.now()) != "active":
            raise UnknownKey(f"There is no key {key_id} that may sign.")
        return row.secret_hash

    async def authenticate(self, shown: str) -> ApiKey:
        """The key that was shown. Raises `InvalidKey`."""
        key_id, secret = _parse(shown)
        now = self.now()
        async with self._database.transaction() as session:
            row = await session.get(ApiKeyRow, key_id)
            if row is None or not _takes(row, secret, now):
                raise InvalidKey("This is not a valid API key for this service.")
            if row.last_used_at is None or now - row.last_used_at >= LAST_USE_STEP:
                row.last_used_at = now
        return _key(row)


def _parse(shown: str) -> tuple[str, str]:
    parts = shown.split("_", 2)
    if len(shown) > MAX_KEY or len(parts) != 3 or parts[0] != "nv" or not parts[1].isalnum() or not shown.isascii():
        raise InvalidKey("An API key looks like nv_…_….")
    return parts[1], parts[2]


def _takes(row: ApiKeyRow, secret: str, now: datetime) -> bool:
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return False
    shown = _hash(secret)
    if hmac.compare_digest(shown, row.secret_hash):
        return True
    overlapping = row.previous_hash is not None and row.previous_until is not None and now < row.previous_until
    return overlapping and hmac.compare_digest(shown, row.previous_hash or "")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        room_prefix=row.room_prefix,
        created_at=row.created_at,
        rotated_at=row.rotated_at,
        previous_until=row.previous_until,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
