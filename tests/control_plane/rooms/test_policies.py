"""What replicas know of how rooms are to be run, also while the database is away."""

import asyncio

from control_plane.clock import SystemClock
from control_plane.database import Database
from control_plane.ids import RoomId, new_id
from control_plane.rooms.policies import KnownPolicies, PolicyCache
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.records import RoomRecord, RoomRecords
from control_plane.state import Redis
from control_plane.state.keys import POLICY_NEWS, remembered
from tests.support.database import migrate, running_postgres

LOBBY = RoomPolicy(lobby=True)


async def test_what_is_announced_at_one_replica_holds_at_every_other(redis: Redis, database: Database) -> None:
    room, records, cache = RoomId(new_id("room")), RoomRecords(database), PolicyCache(redis)
    here, there = (KnownPolicies(records, PolicyCache(redis), SystemClock()) for _ in range(2))
    for each in (here, there):
        await redis.subscribe(POLICY_NEWS, each.hear, each.missed).ready()
        assert await each.get(room) == RoomPolicy()
    await records.add(RoomRecord(room, LOBBY), "operator", None)
    await cache.announce(room)
    assert [await here.get(room), await there.get(room)] == [LOBBY, LOBBY]


async def test_without_the_database_a_room_is_run_as_remembered_and_else_by_default(redis: Redis) -> None:
    known_room, new_room = RoomId(new_id("room")), RoomId(new_id("room"))
    with running_postgres() as server:
        await migrate(server.url)
        async with Database.connect(server.url) as database:
            records = RoomRecords(database)
            policies = KnownPolicies(records, PolicyCache(redis), SystemClock())
            for room in (known_room, new_room):
                await records.add(RoomRecord(room, LOBBY), "operator", None)
            assert await policies.get(known_room) == LOBBY
            await asyncio.to_thread(server.kill)
            await redis.execute("DEL", *(remembered("policy", known_room, part) for part in ("list", "changes")))
            assert await policies.get(known_room) == LOBBY
            assert await policies.get(new_room) == RoomPolicy()
