"""Connections to PostgreSQL or SQLite, and transactions on them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import structlog
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from control_plane.errors import Unavailable

log = structlog.get_logger()

TRANSACTION_S = 10.0
"""How long a transaction may take, waiting for a connection or for a lock included."""
CONNECT_S = 5
_BUSY_MS = 5000
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "sqlite": "sqlite+aiosqlite"}


class DatabaseUnreachable(Exception):
    """The database did not answer at the start."""


def database_url(text: str) -> URL:
    """`postgresql://user@host/name` or `sqlite:///file`, with our drivers. Raises `ValueError` with a sentence."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ValueError("The database URL can't be read: use postgresql://… or sqlite:///FILE.") from error
    kind = url.drivername.partition("+")[0]
    if kind not in _DRIVERS:
        raise ValueError(f"There is no support for {kind!r} databases: use postgresql://… or sqlite:///FILE.")
    if kind == "sqlite" and url.database in {None, "", ":memory:"}:
        raise ValueError("SQLite needs a file, as in sqlite:////var/lib/nexusvibe/nexusvibe.db.")
    return url.set(drivername=_DRIVERS[kind])


class Database:
    """A pool of connections. SQLite's file is made when it is not there, in its folder too."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str) -> AsyncIterator[Self]:
        """Raises `DatabaseUnreachable` when it does not answer, `ValueError` when the URL is unusable."""
        engine = _engine(database_url(url))
        try:
            await _knock(engine)
            yield cls(engine)
        finally:
            await engine.dispose()

    async def answers(self) -> bool:
        """Whether it does so now, within `CONNECT_S`."""
        try:
            async with asyncio.timeout(CONNECT_S), self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (DBAPIError, PoolTimeout, TimeoutError, OSError):
            return False
        return True

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Committed on leaving, rolled back on any exception. Raises `Unavailable` when the database is away or slow.

        A lost connection while committing leaves it unknown whether the change was made.
        """
        try:
            async with asyncio.timeout(TRANSACTION_S), self._sessions.begin() as session:
                yield session
        except DBAPIError as error:
            if not _is_away(error):
                raise
            log.warning("database_unavailable", kind=type(error.orig).__name__)
            raise Unavailable("The database can't be reached now.") from error
        except (PoolTimeout, TimeoutError, OSError) as error:
            log.warning("database_unavailable", kind=type(error).__name__)
            raise Unavailable("The database does not answer now.") from error


def _is_away(error: DBAPIError) -> bool:
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(url, pool_timeout=CONNECT_S)
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_immediate)
        return engine
    options = f"-c statement_timeout={int(TRANSACTION_S * 1000)} -c timezone=UTC"
    return create_async_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=CONNECT_S,
        pool_recycle=1800,
        connect_args={"connect_timeout": CONNECT_S, "options": options, "application_name": "nexusvibe"},
    )


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions late, and then two that read first could not both go on to write.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={_BUSY_MS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def _knock(engine: AsyncEngine) -> None:
    path = engine.url.database if engine.url.get_backend_name() == "sqlite" else None
    try:
        if path:
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with asyncio.timeout(TRANSACTION_S), engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (DBAPIError, PoolTimeout, TimeoutError, OSError) as error:
        where = f"The database {path} can't be opened." if path else "The database does not answer."
        raise DatabaseUnreachable(f"{where} Check NEXUSVIBE_DATABASE_URL.") from error
