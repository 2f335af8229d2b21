"""Where commands about rooms find them: the replicas' own database and Redis."""

import argparse
import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from control_plane.access.tokens import ROOM_NAME
from control_plane.clock import SystemClock
from control_plane.database import Database, expect_migrated
from control_plane.errors import NotFound
from control_plane.ids import RoomId
from control_plane.nodes.registry import NodeRegistry
from control_plane.rooms.ban_cache import BanCache
from control_plane.rooms.ban_table import BanTable
from control_plane.rooms.decisions import DecisionLog
from control_plane.rooms.domain import Person, RoomState
from control_plane.rooms.index import RoomIndex
from control_plane.rooms.moving import Mover
from control_plane.rooms.office import RoomOffice
from control_plane.rooms.policies import PolicyCache
from control_plane.rooms.records import RoomRecords
from control_plane.rooms.removal import DirectBans, Removals
from control_plane.rooms.store import RoomStore
from control_plane.settings import DatabaseSettings, StateSettings
from control_plane.state import Redis

T = TypeVar("T")

OPERATOR = "operator"
NEEDS = """\
Needs NEXUSVIBE_REDIS_URL, NEXUSVIBE_REDIS_CLUSTER and NEXUSVIBE_DATABASE_URL as the replicas have them. From elsewhere,
the API under /v1 does the same with an API key. Exit codes: 0 done, 1 not done (one line says why), 2 wrong usage."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What an operator may do with rooms, at whichever replica they are."""

    store: RoomStore
    office: RoomOffice
    removals: Removals
    mover: Mover
    decisions: DecisionLog

    async def live(self, room: RoomId) -> RoomState:
        """Raises `NotFound`."""
        state = await self.office.live(room)
        if state is None:
            raise NotFound(f"Nobody is in a room {room} now.")
        return state

    async def person(self, room: RoomId, who: str) -> Person:
        """By id or identity. Raises `NotFound`."""
        for person in (await self.live(room)).people.values():
            if who in {person.id, person.identity}:
                return person
        raise NotFound(f"There is no {who} in room {room} now.")


def at_desk(act: Callable[[Desk], Awaitable[T]]) -> T:
    """Raises `RedisUnreachable`, `DatabaseUnreachable`, `NotMigrated`, and what `act` raises."""

    async def run() -> T:
        where = StateSettings()
        async with (
            Database.connect(DatabaseSettings().database_url) as database,
            Redis.connect(where.redis_url, cluster=where.redis_cluster) as redis,
        ):
            await expect_migrated(database)
            store, table = RoomStore(redis), BanTable(database)
            office = RoomOffice(RoomRecords(database), PolicyCache(redis), store, RoomIndex(redis))
            removals = Removals(store, DirectBans(table, BanCache(redis)), table, SystemClock())
            mover = Mover(store, NodeRegistry(redis))
            return await act(Desk(store, office, removals, mover, DecisionLog(redis)))

    return asyncio.run(run())


def room_name(text: str) -> RoomId:
    """What argparse takes as a type."""
    if not re.fullmatch(ROOM_NAME, text):
        raise argparse.ArgumentTypeError("rooms are named with letters, digits and . _ ~ -")
    return RoomId(text)


def moment(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)
