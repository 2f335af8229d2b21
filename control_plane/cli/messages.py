"""`nexusvibe message send | list`."""

import argparse
from typing import Any

from control_plane.cli.arguments import add_family, add_json
from control_plane.cli.desk import NEEDS, Desk, at_desk, moment, room_name
from control_plane.cli.output import write, write_json, write_table
from control_plane.errors import NotFound
from control_plane.ids import new_id
from control_plane.rooms.domain import ChatRecord
from control_plane.rooms.errors import RoomGone, RoomMissing
from control_plane.rooms.routes.messages import MAX_TEXT, SERVICE, message_view

DESCRIPTION = f"""\
What is said in rooms.

  nexusvibe message send class-7 "The server restarts at noon." --name Operations
  nexusvibe message list class-7

{NEEDS}"""


def add(commands: Any) -> None:
    family = add_family(commands, "message", "what is said in rooms", DESCRIPTION)
    send = family.add_parser("send", help="say something to everybody in a room, as the service")
    send.add_argument("room", type=room_name)
    send.add_argument("text", type=_text, help=f"at most {MAX_TEXT} characters")
    send.add_argument("--name", type=_name, default=SERVICE, help="who says it (default: %(default)s)")
    send.set_defaults(run=_send)
    listing = family.add_parser("list", help="the last 100 messages of a room that people are in")
    listing.add_argument("room", type=room_name)
    listing.set_defaults(run=_list)
    for each in (send, listing):
        add_json(each)


def _send(options: argparse.Namespace) -> int:
    async def act(desk: Desk) -> ChatRecord:
        try:
            return await desk.store.announce(options.room, options.name, new_id("m"), options.text)
        except (RoomGone, RoomMissing) as error:
            raise NotFound(f"Nobody is in a room {options.room} now.") from error

    said = message_view(at_desk(act))
    if options.json:
        write_json(said.model_dump())
    else:
        write(f"Said in {options.room} ({said.id}).")
    return 0


def _list(options: argparse.Namespace) -> int:
    messages = [message_view(each) for each in at_desk(lambda desk: desk.live(options.room)).chat]
    if options.json:
        write_json([each.model_dump() for each in messages])
        return 0
    rows = [{"at": moment(each.sent_at), "name": each.name, "text": each.text} for each in messages]
    write_table(("at", "name", "text"), rows, "Nothing has been said.")
    return 0


def _text(text: str) -> str:
    if not 1 <= len(text) <= MAX_TEXT:
        raise argparse.ArgumentTypeError(f"a message has 1 to {MAX_TEXT} characters")
    return text


def _name(text: str) -> str:
    if not 1 <= len(text) <= 64 or not text.isprintable():
        raise argparse.ArgumentTypeError("a name has 1 to 64 printable characters")
    return text
