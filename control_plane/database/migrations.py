"""Which revision of the schema a database is at, and bringing it to the one that this version needs."""

from dataclasses import dataclass
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from control_plane.database.engine import Database

log = structlog.get_logger()

_IN_WHEEL = Path(__file__).parent / "versions_of_schema"
_IN_CHECKOUT = Path(__file__).parents[2] / "migrations"
_LOCK = 0x6E765F6D  # any number, the same in every replica


class NotMigrated(Exception):
    """The database's schema is older than this version of the program needs."""


@dataclass(frozen=True)
class Revision:
    """`current` is None in an empty database. A newer program's revision is unknown to an older one."""

    current: str | None
    needed: str
    known: bool

    @property
    def usable(self) -> bool:
        """Whether this program may run on it: migrations keep what the version before them needs."""
        return self.current == self.needed or not self.known


async def revision(database: Database) -> Revision:
    async with database.engine.connect() as connection:
        return await connection.run_sync(_revision)


async def upgrade(database: Database) -> Revision:
    """Bring the schema to what this program needs, in one transaction; of several at once one does it. Returns what
    was there before."""
    async with database.engine.begin() as connection:
        return await connection.run_sync(_upgrade)


async def expect_migrated(database: Database) -> None:
    """Raises `NotMigrated` with what to do."""
    found = await revision(database)
    if not found.known:
        log.warning("database_is_newer", revision=found.current, known=found.needed)
    if not found.usable:
        state = f"is at revision {found.current}" if found.current else "is empty"
        raise NotMigrated(f"The database {state}, this version needs {found.needed}: run `nexusvibe db upgrade`.")


def _config(connection: Connection) -> Config:
    config = Config()
    folder = _IN_WHEEL if _IN_WHEEL.is_dir() else _IN_CHECKOUT
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> Revision:
    script = ScriptDirectory.from_config(_config(connection))
    current = MigrationContext.configure(connection).get_current_revision()
    needed = script.get_current_head()
    if needed is None:
        raise RuntimeError("The program came without its migrations.")
    known = current is None or current in {each.revision for each in script.walk_revisions()}
    return Revision(current, needed, known)


def _upgrade(connection: Connection) -> Revision:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    before = _revision(connection)
    if not before.usable:
        command.upgrade(_config(connection), "head")
    return before
