"""Rooms that were made on purpose: how they are to be run, whether anybody is in them or not."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    # Lists merge these names with those of live rooms, which are in the order of their bytes.
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "rooms",
        sa.Column("name", name, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.String(160), nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.Column("changed_by", sa.String(160), nullable=False),
        sa.Column("request", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_rooms"),
    )
