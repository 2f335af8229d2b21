"""Issuers of room tokens that sign with keys of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "issuers",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("room_prefix", sa.String(128), nullable=False),
        sa.Column("audience", sa.String(255), nullable=False),
        sa.Column("algorithms", sa.String(64), nullable=False),
        sa.Column("jwks_url", sa.String(1000), nullable=True),
        sa.Column("jwks", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_issuers"),
        sa.CheckConstraint("(jwks_url IS NULL) <> (jwks IS NULL)", name="ck_issuers_keys"),
    )
