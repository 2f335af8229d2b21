"""Topic messages: for who is in the room now, and kept nowhere. Reactions, pointers, typing: what may get lost.

They ask no script and make no version. The sender's replica tells its own members, and each other replica that holds
somebody concerned once.
"""

import asyncio

from control_plane.clock import Clock
from control_plane.errors import NotAllowed
from control_plane.ids import ParticipantId, ReplicaId
from control_plane.rooms.domain import Word
from control_plane.rooms.member import Member
from control_plane.signaling.messages import SendMessage
from control_plane.state import Redis
from control_plane.state.keys import inbox


class Topics:
    def __init__(self, replica: ReplicaId, redis: Redis, clock: Clock) -> None:
        self._replica = replica
        self._redis = redis
        self._clock = clock

    async def send(self, member: Member, message: SendMessage) -> None:
        """Raises `NotAllowed`, `RateLimited`, and `Unavailable` when others may have missed it."""
        permissions = member.person.permissions
        if not permissions.chat or permissions.hidden:
            raise NotAllowed("You may not send anything to the others here.")
        member.messages.take(self._clock.monotonic())
        local = member.room
        word = Word(
            room=local.room,
            incarnation=local.state.incarnation,
            participant=member.id,
            topic=message.topic,
            text=message.text,
            sent_at=int(self._clock.now() * 1000),
            to=None if message.to is None else frozenset(map(ParticipantId, message.to)),
        )
        local.pass_on(word)
        await self._tell_others(word, member)

    async def _tell_others(self, word: Word, member: Member) -> None:
        people = member.room.state.people.values()
        concerned = (person for person in people if word.to is None or person.id in word.to)
        elsewhere = {person.replica for person in concerned} - {self._replica, ReplicaId("")}
        text = word.model_dump_json(exclude_none=True)
        await asyncio.gather(*(self._redis.execute("PUBLISH", inbox(each), text) for each in elsewhere))
