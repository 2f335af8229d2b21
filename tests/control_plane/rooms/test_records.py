"""Rooms in a real database."""

import asyncio

import pytest

from control_plane.database import Database
from control_plane.errors import Conflict
from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.records import RoomRecord, RoomRecords

ROOM = RoomId("demo")


async def test_a_room_is_made_once_and_again_only_by_the_same_request(database: Database) -> None:
    records = RoomRecords(database)
    wish = RoomRecord(ROOM, RoomPolicy(capacity=3, lobby=True), {"course": "7"})
    made = await records.add(wish, "key:a", "request")
    assert (made.policy, made.attributes) == (wish.policy, wish.attributes)
    assert await records.add(wish, "key:a", "request") == made == await records.get(ROOM)
    for request in ("another", None):
        with pytest.raises(Conflict):
            await records.add(wish, "key:a", request)
    assert await records.remove(ROOM)
    assert not await records.remove(ROOM)
    assert await records.policy(ROOM) == RoomPolicy()


async def test_of_many_who_make_the_same_room_at_once_one_has_made_it(database: Database) -> None:
    records = RoomRecords(database)
    done = await asyncio.gather(
        *(records.add(RoomRecord(ROOM), f"key:{n}", None) for n in range(8)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["Conflict"] * 7 + ["RoomRecord"]


async def test_changes_of_a_room_come_one_after_another_also_while_nothing_is_known_of_it(database: Database) -> None:
    records = RoomRecords(database)

    async def one_more(record: RoomRecord) -> RoomRecord:
        await asyncio.sleep(0)
        capacity = record.policy.capacity + 1
        return RoomRecord(ROOM, RoomPolicy(capacity=capacity), {**record.attributes, str(capacity): ""})

    await asyncio.gather(*(records.change(ROOM, "operator", one_more) for _ in range(8)))
    found = await records.get(ROOM)
    assert found is not None
    assert (found.policy.capacity, len(found.attributes)) == (RoomPolicy().capacity + 8, 8)


async def test_a_change_that_is_refused_leaves_nothing_behind(database: Database) -> None:
    records = RoomRecords(database)

    async def refuse(_: RoomRecord) -> RoomRecord:
        raise Conflict("no")

    with pytest.raises(Conflict):
        await records.change(ROOM, "operator", refuse)
    assert await records.get(ROOM) is None


async def test_pages_are_in_the_order_of_bytes_whatever_the_database_speaks(database: Database) -> None:
    records = RoomRecords(database)
    names = ["B", "a", "a-b", "a.b", "a_", "aB", "ab", "b", "~".join("zz")]
    for name in names:
        await records.add(RoomRecord(RoomId(name)), "operator", None)
    assert [each.room for each in await records.page("", "", 100)] == sorted(names)
    assert [each.room for each in await records.page("a", "a-b", 2)] == ["a.b", "aB"]
    assert await records.page("a", "b", 5) == []
