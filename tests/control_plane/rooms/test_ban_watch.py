"""What replicas know of bans, between the database, Redis and what they are told."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from control_plane.access.devices import DeviceHash
from control_plane.access.tokens import Grants, VerifiedToken
from control_plane.clock import SystemClock
from control_plane.database import Database
from control_plane.ids import Identity, ParticipantId, ReplicaId, RoomId, new_id
from control_plane.rooms.ban_cache import BanCache
from control_plane.rooms.ban_table import BanTable
from control_plane.rooms.ban_watch import BanWatch
from control_plane.rooms.bans import Ban
from control_plane.rooms.domain import Person
from control_plane.rooms.errors import Banned
from control_plane.rooms.hub import RoomHub
from control_plane.rooms.store import RoomStore
from control_plane.state import Redis
from control_plane.state.keys import BAN_NEWS

BOB = Identity("bob")
ROOM = RoomId(new_id("room"))
TOKEN = VerifiedToken(grants=Grants(room="demo", identity=BOB), id="t", issued_at=0, expires_at=2e9)


@pytest.fixture
async def watches(redis: Redis, database: Database) -> AsyncIterator[list[BanWatch]]:
    """Of two replicas that hold no room."""
    store, cache = RoomStore(redis), BanCache(redis)
    async with AsyncExitStack() as stack:
        both = []
        for name in ("here", "there"):
            hub = RoomHub(ReplicaId(name), store, lambda _: None, lambda *_: None)
            watch = BanWatch.start(BanTable(database), cache, store, hub, SystemClock())
            both.append(await stack.enter_async_context(watch))
            await redis.subscribe(BAN_NEWS, both[-1].hear, both[-1].missed).ready()
        yield both


async def test_a_ban_holds_at_every_replica_until_it_is_lifted_at_one(watches: list[BanWatch]) -> None:
    here, there = watches
    for watch in watches:
        await watch.expect_welcome(ROOM, TOKEN)
    await here.add(ROOM, Ban(id=new_id("b"), identity=BOB), by="operator")
    for watch in watches:
        with pytest.raises(Banned):
            await watch.expect_welcome(ROOM, TOKEN)
        with pytest.raises(Banned):
            watch.expect_still_welcome(ROOM, TOKEN)
    assert await there.lift(ROOM, BOB)
    assert not await there.lift(ROOM, BOB)
    for watch in watches:
        await watch.expect_welcome(ROOM, TOKEN)
        watch.expect_still_welcome(ROOM, TOKEN)


async def test_a_ban_of_a_device_ends_the_stay_of_others_on_it(watches: list[BanWatch]) -> None:
    here, there = watches
    device = DeviceHash("d" * 64)
    eve = Person(
        id=ParticipantId("p_1"), identity=Identity("eve"), name="Eve", replica=ReplicaId("here"), device=device
    )
    there.expect_may_stay(ROOM, eve)
    await here.add(ROOM, Ban(id=new_id("b"), identity=BOB, device=device), by="operator")
    with pytest.raises(Banned):
        await there.expect_welcome(ROOM, TOKEN.model_copy(update={"grants": Grants(room="demo")}), device)
    with pytest.raises(Banned):
        there.expect_may_stay(ROOM, eve)
    there.expect_may_stay(ROOM, eve.model_copy(update={"device": None}))
