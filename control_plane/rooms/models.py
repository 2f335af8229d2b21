"""Tables of rooms."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.database import Base, UtcDateTime


class RoomRow(Base):
    """A room that was made on purpose, whether anybody is in it or not."""

    __tablename__ = "rooms"

    name: Mapped[str] = mapped_column(
        String(128).with_variant(String(128, collation="C"), "postgresql"), primary_key=True
    )
    policy: Mapped[str] = mapped_column(Text)
    """`RoomPolicy`, as JSON: how the room is run from its first participant on."""
    attributes: Mapped[str] = mapped_column(Text)
    """JSON object of texts."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(160))
    """`key:…` or `operator`."""
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(160))
    request: Mapped[str | None] = mapped_column(String(64))
    """Names the request that made it, when that may come again."""
