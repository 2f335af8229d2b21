"""Who moderates when the last moderator has left, decided by the script that takes them out."""

from dataclasses import dataclass
from typing import Any

import pytest

from control_plane.ids import Identity, Incarnation, ParticipantId, ReplicaId, RoomId, new_id
from control_plane.rooms.domain import Person, TokenRef
from control_plane.rooms.permissions import Permissions
from control_plane.rooms.policy import HandOver, RoomPolicy
from control_plane.rooms.store import RoomStore
from control_plane.state import Redis

HERE = ReplicaId("here")


@dataclass(frozen=True)
class Room:
    store: RoomStore
    name: RoomId
    policy: RoomPolicy

    async def joins(self, name: str, *, guest: bool = False, identity: str = "", **permissions: Any) -> ParticipantId:
        person = Person(
            id=ParticipantId(f"p_{name}"), identity=Identity(identity or name), name=name, replica=HERE,
            permissions=Permissions(**permissions), token=TokenRef(guest=guest),
        )  # fmt: skip
        await self.store.join(self.name, Incarnation("i"), person, f"token of {name}", self.policy)
        return person.id

    async def moderators(self) -> set[str]:
        state = await self.store.snapshot(self.name)
        return {person.name for person in state.people.values() if person.permissions.moderate}


def room(redis: Redis, hand_over: HandOver, **policy: Any) -> Room:
    return Room(RoomStore(redis), RoomId(new_id("room")), RoomPolicy(hand_over=hand_over, **policy))


@pytest.mark.parametrize(
    ("hand_over", "heir"),
    [("none", set()), ("longest_present", {"second"}), ("longest_present_known", {"second"})],
)
async def test_the_one_who_is_there_longest_and_whom_a_token_names_takes_over(
    redis: Redis, hand_over: HandOver, heir: set[str]
) -> None:
    demo = room(redis, hand_over)
    host = await demo.joins("host", moderate=True)
    await demo.joins("observer", hidden=True)
    await demo.joins("guest", guest=True)
    await demo.joins("second")
    await demo.joins("third")
    await demo.store.leave(demo.name, host, 1, "left")
    assert await demo.moderators() == heir


@pytest.mark.parametrize(("hand_over", "heir"), [("longest_present", {"guest"}), ("longest_present_known", set())])
async def test_guests_take_over_only_where_the_policy_lets_them(
    redis: Redis, hand_over: HandOver, heir: set[str]
) -> None:
    demo = room(redis, hand_over)
    host = await demo.joins("host", moderate=True)
    await demo.joins("guest", guest=True)
    await demo.store.leave(demo.name, host, 1, "connection_lost")
    assert await demo.moderators() == heir


async def test_nobody_takes_over_while_a_moderator_is_there_or_may_still_resume(redis: Redis) -> None:
    demo = room(redis, "longest_present")
    host = await demo.joins("host", moderate=True)
    second = await demo.joins("second", moderate=True)
    await demo.joins("third")
    await demo.store.detach(demo.name, second, 1)
    await demo.store.leave(demo.name, host, 1, "left")
    assert await demo.moderators() == {"second"}
    await demo.store.leave(demo.name, second, 1, "connection_lost")
    assert await demo.moderators() == {"third"}


async def test_who_is_connected_comes_before_who_is_away_and_nobody_takes_over_from_the_lobby(redis: Redis) -> None:
    demo = room(redis, "longest_present")
    host = await demo.joins("host", moderate=True)
    await demo.store.detach(demo.name, await demo.joins("away"), 1)
    await demo.joins("here")
    await demo.store.set_policy(demo.name, demo.policy.model_copy(update={"lobby": True}))
    await demo.joins("waiting")
    await demo.store.remove(demo.name, host)
    assert await demo.moderators() == {"here"}


async def test_a_moderator_who_joins_again_without_the_grant_hands_over_too(redis: Redis) -> None:
    demo = room(redis, "longest_present")
    await demo.joins("host", moderate=True)
    await demo.joins("ann")
    await demo.joins("host again", identity="host")
    assert await demo.moderators() == {"ann"}
