"""What Redis remembers of a room's bans, and the word that there is a new one."""

from pydantic import BaseModel, TypeAdapter

from control_plane.ids import RoomId
from control_plane.rooms.bans import Ban
from control_plane.rooms.remembered import RoomCache
from control_plane.state import Redis, keys

_BANS: TypeAdapter[tuple[Ban, ...]] = TypeAdapter(tuple[Ban, ...])


class BanNews(BaseModel):
    """Somebody is kept out of the room from now on; without `ban`, somebody is not any more."""

    room: RoomId
    ban: Ban | None


class BanCache(RoomCache[tuple[Ban, ...]]):
    """Every method raises `Unavailable` when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, "bans", _BANS, keys.BAN_NEWS)

    async def announce(self, news: BanNews) -> None:
        """Forget what was kept, and tell every replica."""
        await self.tell(news.room, news.model_dump_json())
