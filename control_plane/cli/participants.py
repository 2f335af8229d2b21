"""`nexusvibe participant list | show | mute | stop | permissions | admit | deny | kick | ban | bans | unban`."""

import argparse
from typing import Any

from control_plane.cli.arguments import add_family, add_json, duration
from control_plane.cli.desk import NEEDS, OPERATOR, Desk, at_desk, moment, room_name
from control_plane.cli.output import write, write_json, write_table
from control_plane.errors import NotFound
from control_plane.ids import Identity, RoomId, TrackId
from control_plane.rooms.ban_table import BanRecord
from control_plane.rooms.permissions import Permissions
from control_plane.rooms.removal import Order
from control_plane.rooms.routes.bans import LONGEST_S, ban_view
from control_plane.rooms.routes.participants import Participant, participant_view
from control_plane.rooms.routes.permissions import permissions_view
from media_adapters.models import TrackSource

DESCRIPTION = f"""\
People who are in a room now, and who is kept out of it. WHO is an identity, or a participant's id.

  nexusvibe participant list class-7
  nexusvibe participant mute class-7 bob microphone       until he unmutes it himself
  nexusvibe participant permissions class-7 bob --publish camera --no-chat
  nexusvibe participant kick class-7 bob --reason noise   a token issued later lets him in again
  nexusvibe participant ban class-7 bob --for 24h         no token does; he need not be there
  nexusvibe participant bans class-7                      kicks and bans that hold
  nexusvibe participant unban class-7 bob                 lifts all of them

{NEEDS}"""

_SOURCES = [source.value for source in TrackSource]
_COLUMNS = ("participant", "identity", "name", "state", "since", "sends")
_PAGE = 100


def add(commands: Any) -> None:
    family = add_family(commands, "participant", "people in rooms, and who is kept out", DESCRIPTION)

    def command(name: str, help_: str, run: Any, *, who: bool = True) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = family.add_parser(name, help=help_)
        parser.add_argument("room", type=room_name)
        if who:
            parser.add_argument("who", help="an identity, or a participant's id")
        parser.set_defaults(run=run)
        return parser

    add_json(command("list", "who is in a room, hidden people and who waits too", _list, who=False))
    add_json(command("show", "somebody, what they send and what they may do", _show))
    mute = command("mute", "mute what somebody sends of a source, until they unmute it", _mute)
    mute.add_argument("source", choices=_SOURCES, help=", ".join(_SOURCES), metavar="SOURCE")
    stop = command("stop", "end a track; it does not come back, another may be begun", _stop)
    stop.add_argument("track", help="its id, as `show` prints it")
    _add_permissions(command("permissions", "what somebody may do; with options, change that", _permissions))
    command("admit", "let somebody in who waits in the lobby", _admit)
    command("deny", "send somebody away who waits in the lobby", _deny)
    kick = command("kick", "end somebody's stay; a token issued later lets them in again", _kick)
    ban = command("ban", "end somebody's stay, if they are there, and keep their identity out", _ban)
    ban.add_argument(
        "--for", type=_ban_time, dest="for_", metavar="TIME", help="such as 90s, 24h or 30d (default: for good)"
    )
    for each in (kick, ban):
        each.add_argument("--reason", type=_reason, default="", help="told to them when they come back")
    bans = command("bans", "kicks and bans that hold", _bans, who=False)
    for parser in (ban, bans):
        add_json(parser)
    command("unban", "lift all kicks and bans of an identity, or the one with this id", _unban)


def _add_permissions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--publish", nargs="*", choices=_SOURCES, default=argparse.SUPPRESS, metavar="SOURCE",
        help=f"what they may send, of {', '.join(_SOURCES)}; without any, nothing",
    )  # fmt: skip
    for name, help_ in (
        ("subscribe", "may see and hear the others"),
        ("chat", "may write to everybody"),
        ("moderate", "may remove and ban others, and change what they may do"),
        ("own-attributes", "may change their own attributes"),
    ):
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=help_)
    add_json(parser)


def _list(options: argparse.Namespace) -> int:
    async def act(desk: Desk) -> list[Participant]:
        state = await desk.live(options.room)
        people = sorted(state.people.values(), key=lambda person: (person.joined_at, person.id))
        return [participant_view(state, person) for person in people]

    _print(options, at_desk(act))
    return 0


def _show(options: argparse.Namespace) -> int:
    shown = at_desk(lambda desk: _participant(desk, options.room, options.who))
    if options.json:
        write_json(shown.model_dump(mode="json"))
        return 0
    facts = [
        ("participant", shown.id), ("identity", shown.identity), ("name", shown.name), ("state", shown.state),
        ("since", moment(shown.joined_at)), ("hand raised", moment(shown.hand_raised_at)),
        *((f"may {name}", _plain(value)) for name, value in shown.permissions.model_dump(mode="json").items()),
        *((f"attribute {name}", value) for name, value in shown.attributes.items()),
        *((f"sends {track.source}", f"{track.id}{' (muted)' if track.muted else ''}") for track in shown.tracks),
    ]  # fmt: skip
    write_table(("what", "value"), [{"what": name, "value": value} for name, value in facts], "")
    return 0


def _mute(options: argparse.Namespace) -> int:
    async def act(desk: Desk) -> None:
        person = await desk.person(options.room, options.who)
        await desk.store.mute(options.room, None, person.id, source=TrackSource(options.source))

    at_desk(act)
    write(f"The {options.source} of {options.who} is muted.")
    return 0


def _stop(options: argparse.Namespace) -> int:
    async def act(desk: Desk) -> None:
        person = await desk.person(options.room, options.who)
        await desk.store.stop(options.room, None, person.id, TrackId(options.track))

    at_desk(act)
    write(f"Track {options.track} has ended.")
    return 0


def _permissions(options: argparse.Namespace) -> int:
    names = ("publish", "subscribe", "chat", "moderate", "own_attributes")
    changes = {name: getattr(options, name) for name in names if hasattr(options, name)}

    async def act(desk: Desk) -> Permissions:
        person = await desk.person(options.room, options.who)
        if changes:
            await desk.store.change_permissions(options.room, None, person.id, changes)
        return Permissions.model_validate(person.permissions.model_dump() | changes)

    now = permissions_view(at_desk(act)).model_dump(mode="json")
    if options.json:
        write_json(now)
    else:
        write_table(("may", "value"), [{"may": name, "value": _plain(value)} for name, value in now.items()], "")
    return 0


def _admit(options: argparse.Namespace) -> int:
    async def act(desk: Desk) -> None:
        await desk.store.admit(options.room, None, (await desk.person(options.room, options.who)).id)

    at_desk(act)
    write(f"{options.who} is let in.")
    return 0


def _deny(options: argparse.Namespace) -> int:
    async def act(desk: Desk) -> None:
        await desk.store.deny(options.room, None, (await desk.person(options.room, options.who)).id)

    at_desk(act)
    write(f"{options.who} is sent away.")
    return 0


def _kick(options: argparse.Namespace) -> int:
    async def act(desk: Desk) -> None:
        person = await desk.person(options.room, options.who)
        await desk.removals.kick(options.room, person.id, Order(by=OPERATOR, reason=options.reason))

    at_desk(act)
    write(f"{options.who} is kicked.")
    return 0


def _ban(options: argparse.Namespace) -> int:
    order = Order(by=OPERATOR, reason=options.reason, for_s=options.for_)

    async def act(desk: Desk) -> BanRecord:
        """Who is not there may be banned by their identity; a participant's id names nobody then."""
        try:
            person = await desk.person(options.room, options.who)
        except NotFound:
            if options.who.startswith("p_"):
                raise
            return await desk.removals.ban_identity(options.room, Identity(options.who), order)
        return await desk.removals.ban(options.room, person.id, order)

    ban = ban_view(options.room, at_desk(act))
    if options.json:
        write_json(ban.model_dump())
    else:
        write(f"{ban.identity} is banned from {options.room} ({ban.id}).")
    return 0


def _bans(options: argparse.Namespace) -> int:
    found = [ban_view(options.room, each) for each in at_desk(lambda desk: _all_bans(desk, options.room))]
    if options.json:
        write_json([each.model_dump() for each in found])
        return 0
    rows = [
        {
            "ban": each.id, "kind": each.kind, "identity": each.identity, "until": moment(each.expires_at),
            "since": moment(each.created_at), "by": each.created_by, "reason": each.reason,
        }
        for each in found
    ]  # fmt: skip
    columns = ("ban", "kind", "identity", "until", "since", "by", "reason")
    write_table(columns, rows, f"Nobody is kept out of {options.room}.")
    return 0


def _unban(options: argparse.Namespace) -> int:
    async def act(desk: Desk) -> int:
        held = [each.ban for each in await _all_bans(desk, options.room)]
        chosen = [ban.id for ban in held if options.who in {ban.id, ban.identity}]
        if not chosen:
            raise NotFound(f"{options.who} is not kept out of {options.room}.")
        for ban_id in chosen:
            await desk.removals.lift(options.room, ban_id, OPERATOR)
        return len(chosen)

    lifted = at_desk(act)
    write(f"{options.who} may come again: {lifted} lifted.")
    return 0


async def _participant(desk: Desk, room: RoomId, who: str) -> Participant:
    person = await desk.person(room, who)
    return participant_view(await desk.live(room), person)


async def _all_bans(desk: Desk, room: RoomId) -> list[BanRecord]:
    found: list[BanRecord] = []
    while page := await desk.removals.page(room, found[-1].ban.id if found else "", _PAGE):
        found += page
    return found


def _print(options: argparse.Namespace, people: list[Participant]) -> None:
    if options.json:
        write_json([person.model_dump(mode="json") for person in people])
        return
    rows = [
        {
            "participant": person.id, "identity": person.identity, "name": person.name, "state": person.state,
            "since": moment(person.joined_at),
            "sends": ", ".join(f"{track.source}{' (muted)' if track.muted else ''}" for track in person.tracks),
        }
        for person in people
    ]  # fmt: skip
    write_table(_COLUMNS, rows, "Nobody is in it now.")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) or "nothing"


def _ban_time(text: str) -> int:
    seconds = int(duration(text).total_seconds())
    if not 1 <= seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError("a ban holds between 1 second and ten years, or for good")
    return seconds


def _reason(text: str) -> str:
    if len(text) > 500 or not text.isprintable():
        raise argparse.ArgumentTypeError("a reason has at most 500 printable characters")
    return text
