"""Arguments that several commands take."""

import argparse
import re
from datetime import timedelta
from typing import Any

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = timedelta(days=3650)


def duration(text: str) -> timedelta:
    """`90`, `90s`, `15m`, `24h` or `30d`: what argparse takes as a type."""
    match = re.fullmatch(r"(\d{1,9})([smhd]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: use 90s, 15m, 24h or 30d")
    length = timedelta(seconds=int(match[1]) * _UNITS[match[2] or "s"])
    if length > _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is longer than ten years")
    return length


def room_prefix(text: str) -> str:
    """What names of rooms may begin with, or nothing: what argparse takes as a type."""
    if not re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._~-]{0,127})?", text):
        raise argparse.ArgumentTypeError("rooms are named with letters, digits and . _ ~ -")
    return text


def add_family(commands: Any, name: str, help_: str, description: str) -> Any:
    """The sub-commands of `nexusvibe NAME`."""
    family = commands.add_parser(
        name, help=help_, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    return family.add_subparsers(required=True, metavar="COMMAND")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
