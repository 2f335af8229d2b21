"""Schemas: what a database is at, and that migrations and tables say the same."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from control_plane.access import models
from control_plane.database import Base, Database, NotMigrated, expect_migrated, revision, upgrade
from control_plane.nodes.tables import NodeRow
from control_plane.rooms.models import RoomRow

assert (
    models.BanRow.metadata is RoomRow.metadata is NodeRow.metadata is Base.metadata
)  # every module with tables is imported here


async def test_migrations_make_the_tables_that_the_models_describe(database: Database) -> None:
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), Base.metadata)

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_an_empty_database_is_named_until_it_is_migrated(empty_database_url: str) -> None:
    async with Database.connect(empty_database_url) as database:
        with pytest.raises(NotMigrated, match=r"is empty.*nexusvibe db upgrade"):
            await expect_migrated(database)
        assert (await upgrade(database)).current is None
        await expect_migrated(database)
        found = await revision(database)
        assert found.current == found.needed


async def test_of_several_that_migrate_at_once_each_finds_it_migrated(empty_database_url: str) -> None:
    async def migrate() -> bool:
        async with Database.connect(empty_database_url) as database:
            return (await upgrade(database)).current is None

    assert sorted(await asyncio.gather(*(migrate() for _ in range(4)))) == [False, False, False, True]


async def test_a_database_of_a_newer_version_is_used_and_left_as_it_is(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await expect_migrated(database)
    await upgrade(database)
    found = await revision(database)
    assert (found.current, found.known) == ("9999", False)
