"""Tables of media nodes."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.database import Base, UtcDateTime


class NodeRow(Base):
    """What an operator has decided about a node. A removed one stays for a while: its rooms have to move."""

    __tablename__ = "nodes"

    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    """`pending`, `approved`, `removed`; `static` when the replicas' settings name its key."""
    draining: Mapped[bool]
    region: Mapped[str | None] = mapped_column(String(64))
    public_key: Mapped[str | None] = mapped_column(String(64))
    """Base64 of 32 bytes; None for `static`."""
    enrolled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EnrolmentRow(Base):
    """A token with which one node may become known, once. Only a hash of its secret is here."""

    __tablename__ = "node_enrolments"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    node: Mapped[str] = mapped_column(String(128), index=True)
    region: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_by: Mapped[str | None] = mapped_column(String(64))
    """The public key that came with it."""


class NodeChangesRow(Base):
    """One row: how often any node's record was changed. Whoever changes one counts first, and so waits for others."""

    __tablename__ = "node_changes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
