"""Lists of rooms."""

from control_plane.ids import Identity, Incarnation, ParticipantId, ReplicaId, RoomId
from control_plane.rooms.domain import Person
from control_plane.rooms.index import RoomIndex
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import RoomStore
from control_plane.state import Redis

NAMES = [*sorted(f"shop-{number}" for number in range(250)), "zoo"]


async def with_rooms(redis: Redis, names: list[str]) -> RoomIndex:
    store = RoomStore(redis)
    for name in names:
        person = Person(id=ParticipantId("p_1"), identity=Identity("ann"), name="Ann", replica=ReplicaId("r"))
        await store.join(RoomId(name), Incarnation("i"), person, "token", RoomPolicy())
    index = RoomIndex(redis)
    await index.write(RoomId(name) for name in names)
    return index


async def all_names(index: RoomIndex, prefix: str, limit: int) -> list[str]:
    listed: list[str] = []
    while page := await index.names(prefix, listed[-1] if listed else "", limit):
        listed += page
    return listed


async def test_pages_together_hold_each_room_once_by_name(redis: Redis) -> None:
    index = await with_rooms(redis, NAMES)
    assert await all_names(index, "", 40) == NAMES
    assert await all_names(index, "shop-", 250) == NAMES[:-1]
    assert await all_names(index, "shop-24", 100) == ["shop-24", *(f"shop-24{digit}" for digit in range(10))]
    assert await all_names(index, "zoo-", 10) == []
    assert await index.names("zoo", "shop-1", 5) == ["zoo"]


async def test_only_rooms_that_are_live_have_a_summary(redis: Redis) -> None:
    index = await with_rooms(redis, ["here", "over"])
    await RoomStore(redis).close(RoomId("over"), Incarnation("i"))
    found = await index.summaries(map(RoomId, ["here", "over", "never"]))
    assert [(room, each.participants) for room, each in found.items()] == [("here", 1)]
