"""`nexusvibe key create | list | rotate | revoke | signing`."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from control_plane.access.keys import ApiKey, ApiKeys
from control_plane.access.signing import SigningSecrets, issuer_of
from control_plane.cli.arguments import add_family, add_json, duration, room_prefix
from control_plane.cli.output import write, write_json, write_table
from control_plane.database import Database, expect_migrated
from control_plane.settings import DatabaseSettings, TokenSettings

T = TypeVar("T")

DESCRIPTION = """\
API keys let a server use the API under /v1: it mints room tokens and looks after rooms.

  nexusvibe key create shop --rooms shop-     a key for all rooms whose names begin with shop-
  nexusvibe key rotate 3f9a1c0b7d2e           a new secret; the one before is taken for another day
  nexusvibe key revoke 3f9a1c0b7d2e           refused from now on, on every replica
  nexusvibe key signing 3f9a1c0b7d2e          what its owner signs room tokens with, without asking for each

A key is shown once, when it is made or rotated; only a hash of it is kept. The database is the one that
NEXUSVIBE_DATABASE_URL names."""

_COLUMNS = ("id", "name", "rooms", "state", "created", "last_used", "expires")


def add(commands: Any) -> None:
    family = add_family(commands, "key", "API keys for integrators' servers", DESCRIPTION)
    create = family.add_parser("create", help="make a key and show it, once")
    create.add_argument("name", type=_name, help="whose it is, for the list")
    create.add_argument(
        "--rooms", type=room_prefix, default="", metavar="PREFIX", help="only rooms whose names begin so (default: all)"
    )
    create.add_argument("--expires", type=duration, metavar="TIME", help="such as 90d (default: never)")
    create.set_defaults(run=_create)

    listing = family.add_parser("list", help="all keys, newest first, with their last use (to the minute)")
    listing.set_defaults(run=_list)

    rotate = family.add_parser("rotate", help="give a key another secret and show it, once")
    rotate.add_argument("id", help="the part between nv_ and the secret")
    rotate.add_argument(
        "--overlap", type=duration, default=timedelta(days=1), metavar="TIME",
        help="how long the secret before is still taken; 0 when it has leaked (default: 1d)",
    )  # fmt: skip
    rotate.set_defaults(run=_rotate)

    revoke = family.add_parser("revoke", help="refuse a key from now on")
    revoke.add_argument("id", help="the part between nv_ and the secret")
    revoke.set_defaults(run=_revoke)

    signing = family.add_parser(
        "signing", help="show the secret with which a key's owner signs room tokens; needs NEXUSVIBE_TOKEN_SECRET"
    )
    signing.add_argument("id", help="the part between nv_ and the secret")
    signing.set_defaults(run=_signing)
    for each in (create, listing, rotate, revoke, signing):
        add_json(each)


def _create(options: argparse.Namespace) -> int:
    key, shown = _with_keys(lambda keys: keys.create(options.name, options.rooms, options.expires))
    _show_secret(options, key, shown)
    return 0


def _rotate(options: argparse.Namespace) -> int:
    key, shown = _with_keys(lambda keys: keys.rotate(options.id, options.overlap))
    _show_secret(options, key, shown)
    return 0


def _list(options: argparse.Namespace) -> int:
    rows = _with_keys(_rows)
    if options.json:
        write_json(rows)
    else:
        write_table(_COLUMNS, rows, "There are no keys yet: `nexusvibe key create NAME` makes one.")
    return 0


def _revoke(options: argparse.Namespace) -> int:
    key = _with_keys(lambda keys: keys.revoke(options.id))
    if options.json:
        write_json({"id": key.id, "revoked_at": key.revoked_at})
    else:
        write(f"Key {key.id} ({key.name}) is refused from now on.")
    return 0


def _signing(options: argparse.Namespace) -> int:
    secrets = SigningSecrets(TokenSettings().token_secret.get_secret_value())
    key_hash = _with_keys(lambda keys: keys.secret_hash(options.id))
    issuer, secret = issuer_of(options.id), secrets.text(options.id, key_hash)
    if options.json:
        write_json({"id": options.id, "iss": issuer, "secret": secret})
    else:
        write(secret)
    return 0


def _show_secret(options: argparse.Namespace, key: ApiKey, shown: str) -> None:
    if options.json:
        write_json({"id": key.id, "key": shown, "rooms": key.room_prefix, "previous_until": key.previous_until})
        return
    write(shown)


async def _rows(keys: ApiKeys) -> list[dict[str, Any]]:
    now = keys.now()
    return [
        {
            "id": key.id, "name": key.name, "rooms": f"{key.room_prefix}*", "state": key.state(now),
            "created": key.created_at, "last_used": key.last_used_at, "expires": key.expires_at,
        }
        for key in await keys.list()
    ]  # fmt: skip


def _with_keys(act: Callable[[ApiKeys], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Database.connect(DatabaseSettings().database_url) as database:
            await expect_migrated(database)
            return await act(ApiKeys(database))

    return asyncio.run(run())


def _name(text: str) -> str:
    if not 1 <= len(text) <= 128 or not text.isprintable():
        raise argparse.ArgumentTypeError("a name has 1 to 128 printable characters")
    return text
