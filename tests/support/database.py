"""Real databases for tests: SQLite files, and a PostgreSQL of our own on a Unix socket."""

import asyncio
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import docker.errors  # type: ignore[import-untyped]
import psycopg
import pytest
from testcontainers.community.postgres import PostgresContainer

from control_plane.database import Database, upgrade

_numbers = count()


@functools.cache
def postgres_programs() -> Path | None:
    """Where `initdb` and `postgres` are. Debian keeps them out of PATH, by version."""
    found = shutil.which("postgres")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return installed[-1].parent if installed else None


class PostgresServer:
    """A PostgreSQL on a Unix socket in `folder`, of a user without rights when we are root, as it demands."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._data, self._programs = folder, folder / "data", programs
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the maintenance database."""
        return self.url_of("postgres")

    def url_of(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def make(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self._folder, "nobody")
        argv = [str(self._programs / "initdb"), "-D", str(self._data), "-U", "postgres", "-A", "trust", "-N"]
        subprocess.run([*self._unprivileged(), *argv], check=True, capture_output=True, cwd=self._folder)

    def start(self) -> None:
        """Start, and wait until it answers."""
        argv = [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self._folder), "-h", ""]
        argv += ["-F", "-c", "max_connections=50", "-c", "shared_buffers=16MB", "-c", "logging_collector=off"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._unprivileged(), "setpriv", "--pdeathsig", "KILL", *argv],
                cwd=self._folder, stdout=log, stderr=log,
            )  # fmt: skip
        ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self._folder), "-t", "1"]
        while subprocess.run(ready, check=False).returncode != 0:
            if self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start: {(self._folder / 'log').read_text()}")

    def kill(self) -> None:
        """SIGQUIT, its immediate shutdown, and wait for its end. A server that is not running stays so."""
        if self._process is not None:
            self._process.send_signal(3)
            self._process.wait()
            self._process = None

    @staticmethod
    def _unprivileged() -> list[str]:
        if os.geteuid() != 0:
            return []
        return ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server of this test's own, to be killed and started again. Skips where none is installed."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("killing PostgreSQL needs it installed")
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = PostgresServer(Path(folder), programs)
        server.make()
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[str]:
    """The URL, with `{}` for the database's name, of a PostgreSQL that many tests share."""
    if postgres_programs() is not None:
        with running_postgres() as server:
            yield server.url_of("{}")
        return
    try:
        container = PostgresContainer("postgres:16", driver=None)
    except docker.errors.DockerException:
        pytest.fail("Tests need a PostgreSQL: install postgresql, or start a Docker engine.")
    with container:
        url = container.get_connection_url()
        yield f"{url.rpartition('/')[0]}/{{}}"


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of this test's own, once SQLite and once PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    server: str = request.getfixturevalue("shared_postgres")
    maintenance = "test" if "@localhost" in server else "postgres"
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.format(maintenance), autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    return server.format(name)


@pytest.fixture
async def migrated_database_url(empty_database_url: str) -> str:
    await migrate(empty_database_url)
    return empty_database_url


@pytest.fixture
async def database(migrated_database_url: str) -> AsyncIterator[Database]:
    """A migrated, empty database, once SQLite and once PostgreSQL."""
    async with Database.connect(migrated_database_url) as connected:
        yield connected


async def migrate(url: str) -> None:
    async with Database.connect(url) as database:
        await upgrade(database)


def migrated_file(folder: Path) -> str:
    """The URL of a migrated SQLite file in `folder`, for callers outside any event loop."""
    url = f"sqlite:///{folder}/nexusvibe.db"
    asyncio.run(migrate(url))
    return url
