"""Kicks: bans of the tokens that somebody holds, and not of those that they are given later."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("bans") as bans:
        bans.add_column(sa.Column("token_id", sa.String(64), nullable=True))
        bans.add_column(sa.Column("participant", sa.String(64), nullable=True))
        bans.add_column(sa.Column("issued_until", sa.DateTime(timezone=True), nullable=True))
