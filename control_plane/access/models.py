"""Tables of who may do what."""

from datetime import datetime

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.database import Base, UtcDateTime


class ApiKeyRow(Base):
    """An integrator's key. Only hashes of its secrets are here; after a rotation the one before holds until
    `previous_until`."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    room_prefix: Mapped[str] = mapped_column(String(128))
    """Rooms whose names begin so are the key's; empty means all."""
    secret_hash: Mapped[str] = mapped_column(String(64))
    previous_hash: Mapped[str | None] = mapped_column(String(64))
    previous_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    rotated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class IssuerRow(Base):
    """Somebody who signs room tokens with keys of their own, which are at `jwks_url` or in `jwks`."""

    __tablename__ = "issuers"
    __table_args__ = (CheckConstraint("(jwks_url IS NULL) <> (jwks IS NULL)", name="keys"),)

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    """The `iss` of their tokens."""
    room_prefix: Mapped[str] = mapped_column(String(128))
    """Their tokens open rooms whose names begin so; empty means all."""
    audience: Mapped[str] = mapped_column(String(255))
    """What `aud` of their tokens has to be, or contain."""
    algorithms: Mapped[str] = mapped_column(String(64))
    """Those that they may sign with, between spaces."""
    jwks_url: Mapped[str | None] = mapped_column(String(1000))
    jwks: Mapped[str | None] = mapped_column(Text)
    """A JSON Web Key Set (RFC 7517 §5) of public keys."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BanRow(Base):
    """Keeps an identity, a device, or both out of a room, or of all rooms whose names begin with `room`."""

    __tablename__ = "bans"
    __table_args__ = (CheckConstraint("identity IS NOT NULL OR device IS NOT NULL", name="somebody"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    room: Mapped[str] = mapped_column(String(128), index=True)
    is_prefix: Mapped[bool] = mapped_column(default=False)
    identity: Mapped[str | None] = mapped_column(String(128), index=True)
    device: Mapped[str | None] = mapped_column(String(128), index=True)
    """A keyed hash of what the client said of its device."""
    reason: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """None: for good."""
    issued_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """A kick: keeps tokens out that were issued up to then. None: every token."""
    token_id: Mapped[str | None] = mapped_column(String(64))
    """The token of a guest, whose identity is new each time: it lets nobody in any more."""
    participant: Mapped[str | None] = mapped_column(String(64))
    """The presence in the room that it ended."""
    created_by: Mapped[str] = mapped_column(String(160), default="")
    """Who did it: `key:…`, `identity:…` or `operator`."""
