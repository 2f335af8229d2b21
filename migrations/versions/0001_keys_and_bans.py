"""API keys, and bans that outlive Redis."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("room_prefix", sa.String(128), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=True),
        sa.Column("previous_until", moment, nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("rotated_at", moment, nullable=True),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("revoked_at", moment, nullable=True),
        sa.Column("last_used_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_table(
        "bans",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("room", sa.String(128), nullable=False),
        sa.Column("is_prefix", sa.Boolean(), nullable=False),
        sa.Column("identity", sa.String(128), nullable=True),
        sa.Column("device", sa.String(128), nullable=True),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("created_by", sa.String(160), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bans"),
        sa.CheckConstraint("identity IS NOT NULL OR device IS NOT NULL", name="ck_bans_somebody"),
    )
    op.create_index("ix_bans_room", "bans", ["room"])
    op.create_index("ix_bans_identity", "bans", ["identity"])
    op.create_index("ix_bans_device", "bans", ["device"])
