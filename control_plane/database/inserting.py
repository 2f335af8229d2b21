"""Rows that somebody else may be making at this moment."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from control_plane.database.base import Base

_INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


async def insert_new(session: AsyncSession, table: type[Base], values: Mapping[str, Any]) -> bool:
    """Insert the row unless its primary key is there. Whether it was inserted."""
    insert = _INSERTS[session.get_bind().dialect.name]
    first = next(iter(table.__table__.primary_key))
    done = await session.execute(insert(table).values(**values).on_conflict_do_nothing().returning(first))
    return bool(done.all())
