"""Policies of rooms on this replica: asked when a room is made, also while the database is away."""

import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

from control_plane.clock import Clock
from control_plane.errors import Unavailable
from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.records import RoomRecords
from control_plane.rooms.remembered import Remembered, RoomCache
from control_plane.state import Redis, keys

log = structlog.get_logger()

_POLICY: TypeAdapter[RoomPolicy] = TypeAdapter(RoomPolicy)


class PolicyNews(BaseModel):
    """The room is to be run in another way."""

    room: RoomId


class PolicyCache(RoomCache[RoomPolicy]):
    """Every method raises `Unavailable` when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, "policy", _POLICY, keys.POLICY_NEWS)

    async def announce(self, room: RoomId) -> None:
        """Forget what was kept, and tell every replica."""
        await self.tell(room, PolicyNews(room=room).model_dump_json())


class KnownPolicies:
    """What integrators have said of rooms; whoever changes it announces that in the cache."""

    def __init__(self, records: RoomRecords, cache: PolicyCache, clock: Clock) -> None:
        self._policies = Remembered(cache, records.policy, RoomPolicy(), clock, "policy_unknown")

    async def get(self, room: RoomId) -> RoomPolicy:
        """The policy of a room that is about to be made; the default for one that nobody spoke of. Never raises: what
        is not known now is answered from memory, or with the default."""
        try:
            return await self._policies.of(room)
        except Unavailable:
            return self._policies.known(room)

    def hear(self, message: bytes) -> None:
        """News from a replica."""
        try:
            news = PolicyNews.model_validate_json(message)
        except ValidationError:
            log.warning("policy_news_unreadable", size=len(message))
            return
        self._policies.forget(news.room)

    def missed(self) -> None:
        """News may have been lost."""
        self._policies.forget_all()
