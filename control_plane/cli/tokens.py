"""`nexusvibe token ROOM`."""

import argparse
from typing import Any

from pydantic import ValidationError

from control_plane.access.routes import TokenRequest
from control_plane.access.tokens import MAX_TTL_S, RoomTokens
from control_plane.cli.arguments import add_json, duration
from control_plane.cli.output import write, write_json
from control_plane.clock import SystemClock
from control_plane.settings import TokenSettings
from media_adapters.models import TrackSource

DESCRIPTION = """\
Mints a room token: whoever holds it may enter the room, until it expires. The room need not exist yet. It is signed
with NEXUSVIBE_TOKEN_SECRET, which the replicas know too; servers of others mint theirs with an API key, at
POST /v1/tokens.

  nexusvibe token demo --identity ann --name Ann
  nexusvibe token demo --identity host --moderate --record --ttl 8h
  nexusvibe token demo --publish --no-chat             may watch, and nothing else"""

_SOURCES = [source.value for source in TrackSource]


def add(commands: Any) -> None:
    token = commands.add_parser(
        "token", help="mint a room token", description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    token.add_argument("room", help="the room that it opens")
    token.add_argument("--identity", help="who it is for; left out, each join is a guest of its own")
    token.add_argument("--name", help="the name shown; left out, the client chooses one")
    token.add_argument(
        "--attribute", action="append", default=[], type=_attribute, metavar="NAME=TEXT", dest="attributes",
        help="what the application says of this person; may be given several times",
    )  # fmt: skip
    token.add_argument(
        "--publish", nargs="*", choices=_SOURCES, default=_SOURCES, metavar="SOURCE",
        help=f"what may be sent, of {', '.join(_SOURCES)}; without any, nothing (default: all)",
    )  # fmt: skip
    token.add_argument("--no-subscribe", dest="subscribe", action="store_false", help="may not see or hear others")
    token.add_argument("--no-chat", dest="chat", action="store_false", help="may not write to everybody")
    token.add_argument(
        "--moderate", action="store_true", help="may remove and ban others of this room, and change what they may do"
    )
    token.add_argument("--record", action="store_true", help="may start and stop recording this room")
    token.add_argument("--own-attributes", action="store_true", help="may change their own attributes")
    token.add_argument("--hidden", action="store_true", help="is not shown to others")
    token.add_argument(
        "--ttl",
        type=_ttl,
        default="1h",
        metavar="TIME",
        help="how long it is valid, such as 90s, 8h or 30d (default: 1h)",
    )
    add_json(token)
    token.set_defaults(run=_token)


def _token(options: argparse.Namespace) -> int:
    wish = {name: getattr(options, name) for name in TokenRequest.model_fields if hasattr(options, name)}
    try:
        request = TokenRequest.model_validate(wish | {"attributes": dict(options.attributes), "ttl_s": options.ttl})
    except ValidationError as error:
        faults = (f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors(include_input=False))
        raise ValueError(f"This token can't be: {'; '.join(faults)}.") from error
    tokens = RoomTokens(TokenSettings().token_secret.get_secret_value())
    minted = tokens.mint_at(int(SystemClock().now()), request.grants(), request.ttl_s)
    if options.json:
        write_json({"token": minted.text, "room": request.room, "jti": minted.jti, "expires_at": minted.expires_at})
    else:
        write(minted.text)
    return 0


def _attribute(text: str) -> tuple[str, str]:
    name, given, value = text.partition("=")
    if not given:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=TEXT")
    return name, value


def _ttl(text: str) -> int:
    seconds = int(duration(text).total_seconds())
    if not 1 <= seconds <= MAX_TTL_S:
        raise argparse.ArgumentTypeError("a token is valid between 1 second and 30 days")
    return seconds
