"""What a database promises to what is built on it: on SQLite and on PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, StatementError

from control_plane.access.models import BanRow
from control_plane.database import Database, DatabaseUnreachable, database_url, upgrade
from control_plane.errors import Unavailable
from tests.support.database import running_postgres

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def ban(number: int = 1, **changes: object) -> BanRow:
    return BanRow(**{"id": f"b{number}", "room": "demo", "identity": "mallory", "created_at": NOON, **changes})


async def count_bans(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(BanRow)) or 0


async def test_a_moment_comes_back_in_utc_whatever_its_zone_was(database: Database) -> None:
    local = NOON.astimezone(timezone(timedelta(hours=-7)))
    async with database.transaction() as session:
        session.add(ban(created_at=local))
    async with database.transaction() as session:
        stored = (await session.scalars(select(BanRow))).one()
    assert stored.created_at == NOON
    assert stored.created_at.tzinfo is UTC


async def test_a_moment_without_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="time zone"):
        async with database.transaction() as session:
            session.add(ban(created_at=NOON.replace(tzinfo=None)))


async def test_a_transaction_that_fails_changes_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            session.add(ban())
            await session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await count_bans(database) == 0


async def test_a_ban_of_nobody_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.transaction() as session:
            session.add(ban(identity=None))


async def test_many_that_read_and_then_write_at_once_all_get_through(database: Database) -> None:
    async def add(number: int) -> None:
        async with database.transaction() as session:
            await session.scalar(select(func.count()).select_from(BanRow))
            session.add(ban(number))

    await asyncio.gather(*(add(number) for number in range(20)))
    assert await count_bans(database) == 20


async def test_a_database_that_goes_away_is_unavailable_and_comes_back() -> None:
    with running_postgres() as server:
        async with Database.connect(server.url) as database:
            await upgrade(database)
            await asyncio.to_thread(server.kill)
            with pytest.raises(Unavailable):
                await count_bans(database)
            await asyncio.to_thread(server.start)
            assert await count_bans(database) == 0


async def test_a_database_that_does_not_answer_at_the_start_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnreachable, match="NEXUSVIBE_DATABASE_URL"):
        async with Database.connect(f"postgresql://nobody@/x?host={tmp_path}"):
            pass
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnreachable, match="can't be opened"):
        async with Database.connect(f"sqlite:///{tmp_path}/file/db"):
            pass


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense", ""])
def test_a_url_that_can_not_be_used_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///"):
        database_url(url)
