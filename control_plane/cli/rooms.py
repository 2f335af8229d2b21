"""`nexusvibe room list | show | close`."""

import argparse
import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from control_plane.access.tokens import ROOM_NAME
from control_plane.cli.arguments import add_family, add_json
from control_plane.cli.output import write, write_json, write_table
from control_plane.errors import NotFound
from control_plane.ids import RoomId
from control_plane.rooms.domain import RoomState
from control_plane.rooms.errors import RoomGone, RoomMissing
from control_plane.rooms.index import RoomIndex, RoomSummary
from control_plane.rooms.routes import room_view
from control_plane.rooms.store import RoomStore
from control_plane.settings import StateSettings
from control_plane.state import Redis

T = TypeVar("T")

DESCRIPTION = """\
The rooms that are live now, as all replicas see them. Needs NEXUSVIBE_REDIS_URL (and NEXUSVIBE_REDIS_CLUSTER) as the
replicas have it; from elsewhere, ask GET /v1/rooms with an API key."""

_PAGE = 100


def add(commands: Any) -> None:
    family = add_family(commands, "room", "rooms that are live now", DESCRIPTION)
    listing = family.add_parser("list", help="rooms by name, with how many people are in them")
    listing.add_argument("--prefix", type=_room, help="only rooms whose names begin so")
    listing.add_argument("--limit", type=_count, default=1000, help="how many at most (default: %(default)s)")
    add_json(listing)
    listing.set_defaults(run=_list)

    show = family.add_parser("show", help="who is in a room; exit code 1 when it is not there")
    show.add_argument("room", type=_room)
    add_json(show)
    show.set_defaults(run=_show)

    close = family.add_parser("close", help="send everybody away; their tokens still open a new room of this name")
    close.add_argument("room", type=_room)
    close.set_defaults(run=_close)


def _list(options: argparse.Namespace) -> int:
    found = _with_redis(lambda redis: _pages(RoomIndex(redis), options.prefix or "", options.limit))
    if options.json:
        write_json(
            [{"room": each.room, "created_at": each.created_at, "participants": each.participants} for each in found]
        )
        return 0
    rows = [{"room": each.room, "participants": each.participants, "since": _moment(each.created_at)} for each in found]
    write_table(("room", "participants", "since"), rows, "There are no rooms now.")
    return 0


def _show(options: argparse.Namespace) -> int:
    view = room_view(_with_redis(lambda redis: _state(RoomStore(redis), options.room)))
    if options.json:
        write(view.model_dump_json(indent=2))
        return 0
    write(f"{view.room}, since {_moment(view.created_at):%Y-%m-%d %H:%M:%SZ}, takes {view.capacity}\n")
    rows = [
        {
            "participant": person.id, "identity": person.identity, "name": person.name,
            "connected": "yes" if person.connected else "lost", "since": _moment(person.joined_at),
            "sends": ", ".join(f"{track.source}{' (muted)' if track.muted else ''}" for track in person.tracks),
        }
        for person in view.participants
    ]  # fmt: skip
    write_table(("participant", "identity", "name", "connected", "since", "sends"), rows, "Nobody is in it now.")
    return 0


def _close(options: argparse.Namespace) -> int:
    async def act(redis: Redis) -> None:
        store = RoomStore(redis)
        state = await _state(store, options.room)
        await store.close(state.room, state.incarnation)

    _with_redis(act)
    write(f"Room {options.room} is closed.")
    return 0


async def _pages(index: RoomIndex, prefix: str, limit: int) -> list[RoomSummary]:
    found: list[RoomSummary] = []
    after: str | None = ""
    while after is not None and len(found) < limit:
        page, after = await index.page(prefix, after, _PAGE)
        found += page
    return found[:limit]


async def _state(store: RoomStore, room: str) -> RoomState:
    try:
        return await store.snapshot(RoomId(room))
    except (RoomGone, RoomMissing) as error:
        raise NotFound(f"There is no room {room} now.") from error


def _with_redis(act: Callable[[Redis], Awaitable[T]]) -> T:
    async def run() -> T:
        settings = StateSettings()
        async with Redis.connect(settings.redis_url, cluster=settings.redis_cluster) as redis:
            return await act(redis)

    return asyncio.run(run())


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _room(text: str) -> str:
    if not re.fullmatch(ROOM_NAME, text):
        raise argparse.ArgumentTypeError("rooms are named with letters, digits and . _ ~ -")
    return text


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError("a number from 1 to 1000000")
    return int(text)
