"""`nexusvibe db upgrade | status`."""

import argparse
import asyncio
from typing import Any

from control_plane.cli.arguments import add_family, add_json
from control_plane.cli.output import write, write_json
from control_plane.database import Database, Revision, revision, upgrade
from control_plane.settings import DatabaseSettings

DESCRIPTION = """\
The database keeps API keys and bans. NEXUSVIBE_DATABASE_URL says where it is: postgresql://user@host/name, or
sqlite:///FILE. Left out, it is the SQLite file that `nexusvibe up` uses.

Upgrade before you start replicas of a newer version; those that still run go on."""


def add(commands: Any) -> None:
    family = add_family(commands, "db", "bring the database's schema to this version", DESCRIPTION)
    up = family.add_parser("upgrade", help="bring the schema to what this version needs; nothing to do is fine")
    up.set_defaults(run=_upgrade)
    status = family.add_parser("status", help="which schema there is; exit code 3 when it has to be upgraded")
    add_json(status)
    status.set_defaults(run=_status)


def _upgrade(_: argparse.Namespace) -> int:
    async def act() -> tuple[Revision, Revision]:
        async with Database.connect(DatabaseSettings().database_url) as database:
            return await upgrade(database), await revision(database)

    before, after = asyncio.run(act())
    if before.usable:
        write(f"The database is at revision {before.current} already.")
    else:
        write(f"The database went from {before.current or 'empty'} to revision {after.current}.")
    return 0


def _status(options: argparse.Namespace) -> int:
    async def act() -> Revision:
        async with Database.connect(DatabaseSettings().database_url) as database:
            return await revision(database)

    found = asyncio.run(act())
    if options.json:
        write_json({"current": found.current, "needed": found.needed, "usable": found.usable})
    else:
        verdict = "ready" if found.usable else "run `nexusvibe db upgrade`"
        write(f"revision {found.current or 'none'}, this version needs {found.needed}: {verdict}")
    return 0 if found.usable else 3
