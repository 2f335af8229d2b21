"""`nexusvibe issuer add | list | show | remove`."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from control_plane.access.errors import IssuerUnreachable
from control_plane.access.issuers import Issuer, Issuers
from control_plane.access.jwks import IssuerKeys
from control_plane.access.public_keys import ALGORITHMS, PublicKeys
from control_plane.access.tokens import AUDIENCE
from control_plane.cli.arguments import add_family, add_json, room_prefix
from control_plane.cli.output import write, write_json, write_table
from control_plane.clock import SystemClock
from control_plane.database import Database, expect_migrated
from control_plane.settings import DatabaseSettings

T = TypeVar("T")

DESCRIPTION = """\
Issuers sign room tokens with keys of their own; here it is said who they are, and for which rooms.

  nexusvibe issuer add https://id.example.org --rooms school- --jwks-url https://id.example.org/jwks.json
  nexusvibe issuer add shop --rooms shop- --keys public.pem
  nexusvibe issuer show shop                  its keys, as replicas would read them now

Their tokens say `iss` as it is given here, `aud` nexusvibe, `exp`, `iat` and what `POST /v1/tokens` takes, with `sub`
for the identity. What is changed here holds on every replica within 5 seconds."""

_COLUMNS = ("name", "rooms", "algorithms", "audience", "keys", "since")


def add(commands: Any) -> None:
    family = add_family(commands, "issuer", "others who sign room tokens, with keys of their own", DESCRIPTION)
    new = family.add_parser("add", help="take the tokens of an issuer")
    new.add_argument("name", help="the `iss` of its tokens, to the letter")
    keys = new.add_mutually_exclusive_group(required=True)
    keys.add_argument("--jwks-url", metavar="URL", help="where it publishes its keys (https; RFC 7517)")
    keys.add_argument("--keys", type=Path, metavar="FILE", help="its public keys: a JWKS, a JWK, or one in PEM")
    new.add_argument(
        "--rooms", type=room_prefix, default="", metavar="PREFIX",
        help="only rooms whose names begin so (default: all)",
    )  # fmt: skip
    new.add_argument("--audience", default=AUDIENCE, help="the `aud` of its tokens (default: %(default)s)")
    new.add_argument(
        "--algorithms", nargs="+", choices=ALGORITHMS, default=ALGORITHMS, metavar="ALG",
        help=f"what it may sign with, of {', '.join(ALGORITHMS)} (default: all)",
    )  # fmt: skip
    new.set_defaults(run=_add)
    listing = family.add_parser("list", help="all issuers, by name")
    listing.set_defaults(run=_list)
    show = family.add_parser("show", help="an issuer and its keys; exit code 1 when they can't be read")
    show.add_argument("name")
    show.set_defaults(run=_show)
    remove = family.add_parser("remove", help="take no tokens of an issuer any more; who is in a room stays")
    remove.add_argument("name")
    remove.set_defaults(run=_remove)
    for each in (new, listing, show):
        add_json(each)


def _add(options: argparse.Namespace) -> int:
    try:
        given = options.keys.read_text() if options.keys else None
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{options.keys} can't be read as text.") from error
    issuer = Issuer(
        name=options.name,
        room_prefix=options.rooms,
        audience=options.audience,
        algorithms=tuple(options.algorithms),
        jwks_url=options.jwks_url,
        jwks=given,
    )
    added = _with_issuers(lambda issuers: issuers.add(issuer))
    if options.json:
        write_json(_row(added))
    else:
        write(f"Tokens of {added.name} are taken for rooms {added.room_prefix}*.")
    return 0


def _list(options: argparse.Namespace) -> int:
    rows = [_row(issuer) for issuer in _with_issuers(lambda issuers: issuers.list())]
    if options.json:
        write_json(rows)
    else:
        write_table(_COLUMNS, rows, "There are no issuers: `nexusvibe issuer add` makes one known.")
    return 0


def _show(options: argparse.Namespace) -> int:
    issuer = _with_issuers(lambda issuers: issuers.get(options.name))
    try:
        keys = asyncio.run(_read_keys(issuer))
    except IssuerUnreachable as error:
        raise ValueError(f"The keys at {issuer.jwks_url} can't be read, or none of them can be used.") from error
    rows = [
        {"algorithm": algorithm, "kid": key.kid, "thumbprint": key.thumbprint()}
        for algorithm, found in keys.by_algorithm.items()
        for key in found
    ]
    if options.json:
        write_json(_row(issuer) | {"keys": rows})
    else:
        write_table(_COLUMNS, [_row(issuer)], "")
        write_table(("algorithm", "kid", "thumbprint"), rows, "")
    return 0


def _remove(options: argparse.Namespace) -> int:
    _with_issuers(lambda issuers: issuers.remove(options.name))
    write(f"Tokens of {options.name} are refused from now on.")
    return 0


async def _read_keys(issuer: Issuer) -> PublicKeys:
    async with IssuerKeys.open(SystemClock()) as keys:
        return await keys.of(issuer, None)


def _row(issuer: Issuer) -> dict[str, Any]:
    return {
        "name": issuer.name, "rooms": f"{issuer.room_prefix}*", "algorithms": " ".join(issuer.algorithms),
        "audience": issuer.audience, "keys": issuer.jwks_url or "given here", "since": issuer.created_at,
    }  # fmt: skip


def _with_issuers(act: Callable[[Issuers], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Database.connect(DatabaseSettings().database_url) as database:
            await expect_migrated(database)
            return await act(Issuers(database))

    return asyncio.run(run())
