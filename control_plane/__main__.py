"""The command line: `nexusvibe serve | up | db | key | issuer | token | room | participant | message | node run`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop
from pydantic import ValidationError

from control_plane import logs
from control_plane.access.errors import IssuerExists, UnknownIssuer, UnknownKey
from control_plane.app import PortTaken, serve
from control_plane.cli import database, issuers, keys, messages, nodes, participants, rooms, tokens, turn
from control_plane.database import DatabaseUnreachable, NotMigrated
from control_plane.errors import ControlPlaneError
from control_plane.settings import Settings
from control_plane.state import RedisUnreachable
from control_plane.turn.secrets import TooEarly
from control_plane.up import CannotStart, UpOptions
from control_plane.up import run as run_up
from media_adapters.wire import BadKey

_EXPECTED = (
    *(RedisUnreachable, DatabaseUnreachable, NotMigrated, ControlPlaneError),
    *(UnknownKey, UnknownIssuer, IssuerExists),
    *(PortTaken, CannotStart, BadKey, TooEarly, ValueError),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 could not be done (one line on stderr says why), 2 wrong usage."""
    if arguments is None:
        # As a program: what is printed is for the caller, so that logs, of troubles only, go to stderr.
        logs.configure("warning", "console")
    options = _parser().parse_args(arguments)
    try:
        result: int = options.run(options)
    except _EXPECTED as error:
        sys.stderr.write(f"nexusvibe: {_sentence(error)}\n")
        return 1
    return result


def _sentence(error: Exception) -> str:
    if isinstance(error, ValidationError):
        wrong = (
            f"NEXUSVIBE_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False) if e["loc"]
        )
        return f"The settings are not complete. {'; '.join(wrong)}."
    return str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nexusvibe", description="A control plane for real-time video on any SFU.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serving = commands.add_parser("serve", help="run one replica; settings come from NEXUSVIBE_… variables")
    serving.set_defaults(run=_serve)

    up = commands.add_parser("up", help="run everything on this machine and print a link to try it")
    up.add_argument("--port", type=int, default=8080, help="where the page is served (default: %(default)s)")
    up.add_argument("--sfu", default="janus", help="which media server to run: janus, mediasoup or another installed")
    up.add_argument("--no-open", action="store_true", help="do not open a browser")
    up.add_argument("--data-dir", type=Path, help="where keys and secrets are kept")
    up.add_argument("--web-root", type=Path, help="folder with the built page (default: the one of this checkout)")
    up.set_defaults(run=_up)

    database.add(commands)
    keys.add(commands)
    issuers.add(commands)

    tokens.add(commands)
    rooms.add(commands)
    participants.add(commands)
    messages.add(commands)
    turn.add(commands)

    nodes.add(commands)
    return parser


def _serve(_: argparse.Namespace) -> int:
    settings = Settings()
    logs.configure(settings.log_level, settings.log_format)
    uvloop.run(serve(settings))
    return 0


def _up(options: argparse.Namespace) -> int:
    chosen = {name: folder for name in ("data_dir", "web_root") if (folder := getattr(options, name))}
    return run_up(UpOptions(port=options.port, sfu=options.sfu, open_browser=not options.no_open, **chosen))


if __name__ == "__main__":
    sys.exit(main())
