"""What Redis remembers of a room's bans, and the word that there is a new one."""

from pydantic import BaseModel, TypeAdapter

from control_plane.ids import RoomId
from control_plane.rooms.bans import Ban
from control_plane.state import Redis, Script, keys

KEPT_MS = 60_000
CHANGES_KEPT_MS = 3_600_000

_BANS: TypeAdapter[tuple[Ban, ...]] = TypeAdapter(tuple[Ban, ...])


class BanNews(BaseModel):
    """Somebody is kept out of the room from now on; without `ban`, somebody is not any more."""

    room: RoomId
    ban: Ban | None


class BanCache:
    """Every method raises `Unavailable` when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._put = Script.load("control_plane.rooms", "lua/bans_put.lua")
        self._changed = Script.load("control_plane.rooms", "lua/bans_changed.lua")

    async def of(self, room: RoomId) -> tuple[tuple[Ban, ...] | None, str]:
        """The bans, or None when Redis does not know them; and the number of changes, for `put`."""
        text, changes = await self._redis.execute("MGET", *self._keys(room))
        return (None if text is None else _BANS.validate_json(text)), (changes or b"0").decode()

    async def put(self, room: RoomId, changes: str, bans: tuple[Ban, ...]) -> None:
        """Keep what the database has said, unless it changed since."""
        await self._redis.run(self._put, self._keys(room), [changes, _BANS.dump_json(bans), KEPT_MS])

    async def announce(self, news: BanNews) -> None:
        """Forget what was kept, and tell every replica."""
        message = news.model_dump_json()
        await self._redis.run(self._changed, self._keys(news.room), [CHANGES_KEPT_MS, keys.BAN_NEWS, message])

    @staticmethod
    def _keys(room: RoomId) -> list[str]:
        return [keys.bans_key(room, "list"), keys.bans_key(room, "changes")]
