"""Lists of rooms."""

from control_plane.ids import Identity, Incarnation, ParticipantId, ReplicaId, RoomId
from control_plane.rooms.domain import Person
from control_plane.rooms.index import RoomIndex
from control_plane.rooms.store import RoomStore
from control_plane.state import Redis

NAMES = [*sorted(f"shop-{number}" for number in range(250)), "zoo"]


async def with_rooms(redis: Redis, names: list[str]) -> RoomIndex:
    store = RoomStore(redis)
    for name in names:
        person = Person(id=ParticipantId("p_1"), identity=Identity("ann"), name="Ann", replica=ReplicaId("r"))
        await store.join(RoomId(name), Incarnation("i"), person, "token", 10)
    index = RoomIndex(redis)
    await index.write(RoomId(name) for name in names)
    return index


async def all_pages(index: RoomIndex, prefix: str, limit: int) -> list[str]:
    listed: list[str] = []
    after: str | None = ""
    while after is not None:
        page, after = await index.page(prefix, after, limit)
        listed += [each.room for each in page]
    return listed


async def test_pages_together_hold_each_room_once_by_name(redis: Redis) -> None:
    index = await with_rooms(redis, NAMES)
    assert await all_pages(index, "", 40) == NAMES
    assert await all_pages(index, "shop-", 250) == NAMES[:-1]
    assert await all_pages(index, "shop-24", 100) == ["shop-24", *(f"shop-24{digit}" for digit in range(10))]
    assert await all_pages(index, "zoo-", 10) == []


async def test_a_room_that_is_over_is_not_listed(redis: Redis) -> None:
    index = await with_rooms(redis, ["here", "over"])
    await RoomStore(redis).close(RoomId("over"), Incarnation("i"))
    assert await all_pages(index, "", 1) == ["here"]


async def test_a_page_counts_people_and_goes_on_behind_its_last_name_only(redis: Redis) -> None:
    index = await with_rooms(redis, ["a", "b"])
    page, behind = await index.page("", "", 1)
    assert [(each.room, each.participants) for each in page] == [("a", 1)]
    assert behind == "a"
    assert await index.page("b", "a", 5) == await index.page("", "a", 5)
