"""Bans in a real database, and what Redis remembers of them."""

import time

import pytest
from sqlalchemy import insert

from control_plane.access.models import BanRow
from control_plane.database import Database, utc_now
from control_plane.ids import Identity, RoomId, new_id
from control_plane.rooms.ban_cache import BanCache, BanNews
from control_plane.rooms.ban_table import BanTable
from control_plane.rooms.bans import Ban
from control_plane.state import Redis

BOB = Identity("bob")


@pytest.fixture
def room() -> RoomId:
    return RoomId(new_id("room"))


async def test_what_was_added_is_read_again_until_it_is_lifted_or_runs_out(database: Database, room: RoomId) -> None:
    table, now = BanTable(database), time.time()
    kick = Ban(id="b_1", identity=BOB, token="t", issued_until=now, expires_at=now + 60, reason="shouting")
    over = Ban(id="b_2", identity=Identity("carol"), expires_at=now - 1)
    for each in (kick, over):
        await table.add(room, each, by="identity:alice")
    assert [ban.model_dump() for ban in await table.of(room)] == [pytest.approx(kick.model_dump())]
    assert await table.of(RoomId("another")) == ()
    assert await table.lift(room, BOB)
    assert await table.of(room) == ()
    assert not await table.lift(room, BOB)


async def test_a_ban_by_prefix_holds_for_the_rooms_whose_names_begin_so(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(
            insert(BanRow).values(
                id="b_1", room="school_", is_prefix=True, identity="bob", reason="", created_at=utc_now(), created_by=""
            )
        )
    table = BanTable(database)
    assert [ban.identity for ban in await table.of(RoomId("school_1"))] == ["bob"]
    assert await table.of(RoomId("school")) == ()
    assert await table.of(RoomId("schoolx1")) == ()


async def test_what_was_read_before_a_ban_is_not_remembered_after_it(redis: Redis, room: RoomId) -> None:
    cache = BanCache(redis)
    assert await cache.of(room) == (None, "0")
    await cache.announce(BanNews(room=room, ban=None))
    await cache.put(room, "0", ())
    known, changes = await cache.of(room)
    assert known is None
    await cache.put(room, changes, (Ban(id="b_1", identity=BOB),))
    assert (await cache.of(room))[0] == (Ban(id="b_1", identity=BOB),)
