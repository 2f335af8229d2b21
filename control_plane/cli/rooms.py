"""`nexusvibe room create | list | show | explain | policy | lock | unlock | move | close | delete`."""

import argparse
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from control_plane.cli.arguments import add_family, add_json
from control_plane.cli.desk import NEEDS, OPERATOR, Desk, at_desk, moment, room_name
from control_plane.cli.output import write, write_json, write_table
from control_plane.cli.policies import add_policy_options, given_policy
from control_plane.errors import NoCapacity
from control_plane.ids import NodeId, RoomId
from control_plane.nodes.models import Node
from control_plane.rooms.office import ListedRoom
from control_plane.rooms.placing import Target
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.records import RoomRecord
from control_plane.rooms.routes.placement import PlacementDecision, RoomPlacement, explained
from control_plane.rooms.routes.rooms import Room, listed_view, room_view

DESCRIPTION = f"""\
Rooms: those that were made on purpose, and those that people are in.

  nexusvibe room create class-7 --lobby --capacity 30     how it is to be run, before anybody is in it
  nexusvibe room policy class-7 --no-lobby                at once, also for who is in it
  nexusvibe room lock class-7                             nobody new gets in, moderators excepted
  nexusvibe room explain class-7                          on which media node it is, and why not on another
  nexusvibe room move class-7 --node eu-3                 to another media node, while people go on talking
  nexusvibe room close class-7                            everybody is sent away; they may come back
  nexusvibe room delete class-7                           the same, and how it was run is forgotten

{NEEDS}"""

_PAGE = 100


def add(commands: Any) -> None:
    family = add_family(commands, "room", "rooms, and how they are run", DESCRIPTION)
    create = family.add_parser(
        "create", help="make a room; one that people are in already is run like this from now on"
    )
    create.add_argument("room", type=room_name)
    add_policy_options(create)
    create.set_defaults(run=_create)

    listing = family.add_parser("list", help="rooms by name, with how many people are in them")
    listing.add_argument("--prefix", type=room_name, help="only rooms whose names begin so")
    listing.add_argument("--limit", type=_count, default=1000, help="how many at most (default: %(default)s)")
    listing.set_defaults(run=_list)

    show = family.add_parser("show", help="a room and how it is run; `participant list` tells who is in it")
    show.add_argument("room", type=room_name)
    show.set_defaults(run=_show)

    explain = family.add_parser("explain", help="on which media node a room is, and why not on another")
    explain.add_argument("room", type=room_name)
    explain.set_defaults(run=_explain)

    policy = family.add_parser("policy", help="how a room is run; with options, change that")
    policy.add_argument("room", type=room_name)
    add_policy_options(policy)
    policy.set_defaults(run=_policy)
    for each in (create, listing, show, explain, policy):
        add_json(each)
    _add_move(family)

    for name, help_, run in (
        ("lock", "let nobody new in, moderators excepted", _lock),
        ("unlock", "let people in again", _unlock),
        ("close", "send everybody away; what it is run by stays, and their tokens open it again", _close),
        ("delete", "send everybody away and forget how it was run; bans stay", _delete),
    ):
        simple = family.add_parser(name, help=help_)
        simple.add_argument("room", type=room_name)
        simple.set_defaults(run=run)


def _add_move(family: Any) -> None:
    move = family.add_parser(
        "move", help="move a room to another media server while people are in it; ends when all have arrived"
    )
    move.add_argument("room", type=room_name)
    where = move.add_mutually_exclusive_group(required=True)
    where.add_argument("--node", metavar="NODE", help="the media node that it is to be on")
    where.add_argument("--backend", metavar="SFU", help="any node with this media server, such as mediasoup")
    move.add_argument("--no-wait", action="store_true", help="only ask for it")
    move.set_defaults(run=_move)


def _create(options: argparse.Namespace) -> int:
    record = RoomRecord(options.room, _checked(given_policy(options)))
    _print_room(options, at_desk(lambda desk: _made(desk, record)))
    return 0


def _list(options: argparse.Namespace) -> int:
    found = [listed_view(each) for each in at_desk(lambda desk: _pages(desk, options.prefix or "", options.limit))]
    if options.json:
        write_json([each.model_dump() for each in found])
        return 0
    rows = [
        {
            "room": each.room, "participants": each.participants, "live_since": moment(each.live_since),
            "made": moment(each.created_at),
        }
        for each in found
    ]  # fmt: skip
    write_table(("room", "participants", "live_since", "made"), rows, "There are no rooms.")
    return 0


def _show(options: argparse.Namespace) -> int:
    _print_room(options, at_desk(lambda desk: _shown(desk, options.room)))
    return 0


def _explain(options: argparse.Namespace) -> int:
    placement = at_desk(lambda desk: explained(options.room, desk.office, desk.decisions))
    if options.json:
        write_json(placement.model_dump())
    else:
        write("\n".join(_told(placement)))
    return 0


def _policy(options: argparse.Namespace) -> int:
    changes = given_policy(options)
    _checked(changes)

    async def act(desk: Desk) -> RoomPolicy:
        if changes:
            return await desk.office.change_policy(options.room, OPERATOR, changes)
        return (await desk.office.get(options.room)).policy

    policy = at_desk(act).model_dump()
    if options.json:
        write_json(policy)
    else:
        write_table(("rule", "value"), _rules(policy), "")
    return 0


def _lock(options: argparse.Namespace) -> int:
    at_desk(lambda desk: desk.office.change_policy(options.room, OPERATOR, {"locked": True}))
    write(f"Room {options.room} is locked.")
    return 0


def _unlock(options: argparse.Namespace) -> int:
    at_desk(lambda desk: desk.office.change_policy(options.room, OPERATOR, {"locked": False}))
    write(f"Room {options.room} is open.")
    return 0


def _move(options: argparse.Namespace) -> int:
    target = Target(NodeId(options.node) if options.node else None, options.backend)

    async def act(desk: Desk) -> Node | None:
        move = await desk.mover.move(options.room, target, OPERATOR)
        return None if options.no_wait else await desk.mover.settled(options.room, move)

    node = at_desk(act)
    if options.no_wait:
        write(f"Room {options.room} is being moved.")
    elif node is not None:
        write(f"Room {options.room} is on {node.id} ({node.backend}) now.")
    else:
        raise NoCapacity(f"Room {options.room} was not moved: nobody arrived there, or another move came after this.")
    return 0


def _close(options: argparse.Namespace) -> int:
    at_desk(lambda desk: desk.office.close(options.room, OPERATOR))
    write(f"Room {options.room} is closed.")
    return 0


def _delete(options: argparse.Namespace) -> int:
    at_desk(lambda desk: desk.office.remove(options.room, OPERATOR))
    write(f"Room {options.room} is deleted.")
    return 0


async def _made(desk: Desk, record: RoomRecord) -> Room:
    return room_view(await desk.office.create(record, OPERATOR))


async def _shown(desk: Desk, room: RoomId) -> Room:
    return room_view(await desk.office.get(room))


async def _pages(desk: Desk, prefix: str, limit: int) -> list[ListedRoom]:
    found: list[ListedRoom] = []
    after: str | None = ""
    while after is not None and len(found) < limit:
        page = await desk.office.page(prefix, after, _PAGE)
        found, after = found + page.rooms, page.behind
    return found[:limit]


def _print_room(options: argparse.Namespace, room: Room) -> None:
    if options.json:
        write_json(room.model_dump())
        return
    made, live = moment(room.created_at), room.live
    facts: list[dict[str, Any]] = [
        {"rule": "made", "value": made},
        {"rule": "live since", "value": moment(live.since) if live else None},
        {"rule": "participants", "value": live.participants if live else 0},
        {"rule": "waiting", "value": live.waiting if live else 0},
        {"rule": "node", "value": live.node if live else None},
        *({"rule": f"attribute {name}", "value": value} for name, value in room.attributes.items()),
    ]
    write_table(("rule", "value"), facts + _rules(room.policy.model_dump()), "")


_PURPOSES = {"first": "its first node", "join": "somebody's join", "move": "another node"}


def _told(placement: RoomPlacement) -> Iterator[str]:
    """Line by line."""
    where = ", ".join(placement.nodes) or "on no node"
    yield f"Room {placement.room} is {'on ' if placement.nodes else ''}{where} now."
    if not placement.decisions:
        yield "Nothing was decided about it in the last hour."
    for decision in placement.decisions:
        yield ""
        yield from _told_of(decision)


def _told_of(decision: PlacementDecision) -> Iterator[str]:
    what = f"{_PURPOSES[decision.purpose]}, {decision.streams} streams"
    if decision.capabilities:
        what += f", able to {', '.join(decision.capabilities)}"
    yield f"{moment(decision.at):%Y-%m-%d %H:%M:%S} UTC: {what}"
    if decision.region is not None:
        unknown = "" if decision.region_known else " (no node is there: any region is as near)"
        yield f"  region    {decision.region}{unknown}"
    yield f"  chosen    {decision.node or 'none'}"
    yield f"  tried     {', '.join(decision.candidates) or 'none could be tried'}"
    for rejected in decision.rejected:
        more = f" and {rejected.count - len(rejected.nodes)} more" if rejected.count > len(rejected.nodes) else ""
        yield f"  rejected  {', '.join(rejected.nodes)}{more}: {rejected.reason}"


def _rules(policy: dict[str, Any]) -> list[dict[str, Any]]:
    named = {True: "yes", False: "no"}
    return [
        {"rule": name.replace("_", " "), "value": named[value] if isinstance(value, bool) else value}
        for name, value in policy.items()
    ]


def _checked(changes: dict[str, Any]) -> RoomPolicy:
    """Raises `ValueError` with a sentence."""
    try:
        return RoomPolicy.model_validate(changes)
    except ValidationError as error:
        faults = (f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors(include_input=False))
        raise ValueError(f"This policy can't be: {'; '.join(faults)}.") from error


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError("a number from 1 to 1000000")
    return int(text)
