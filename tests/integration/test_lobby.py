"""Who gets into a room: the lobby and the lock, over two replicas; the media node records what it is told."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from control_plane.access.tokens import Grants, RoomTokens
from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import RoomStore
from control_plane.signaling.messages import CloseCode
from control_plane.state import Redis
from control_plane.state.keys import room_key
from tests.support.client import Client, RequestFailed, connected
from tests.support.inprocess import TOKEN_SECRET, LocalNode, LocalReplica, local_node, local_replica
from tests.support.offers import offer
from tests.support.redis import RedisTarget

DEMO = RoomId("demo")


@pytest.fixture
async def node(redis_target: RedisTarget) -> AsyncIterator[LocalNode]:
    async with local_node(redis_target, "n1") as node:
        yield node


@pytest.fixture
async def here(redis_target: RedisTarget, node: LocalNode) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "here", nodes=(node.id,)) as replica:
        yield replica


@pytest.fixture
async def there(redis_target: RedisTarget, here: LocalReplica) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "there", nodes=("n1",)) as replica:
        yield replica


@pytest.fixture
def store(redis: Redis) -> RoomStore:
    return RoomStore(redis)


def token(identity: str | None, **grants: Any) -> str:
    claims = {"room": "demo", "sub": identity, "name": identity or "guest", **grants}
    return RoomTokens(TOKEN_SECRET).mint(Grants.model_validate(claims))


async def refusal(client: Client, kind: str, **fields: Any) -> dict[str, Any]:
    with pytest.raises(RequestFailed) as failed:
        await client.asks(kind, **fields)
    return failed.value.error


async def test_who_waits_sees_nothing_and_is_let_in_by_a_moderator_elsewhere(
    node: LocalNode, here: LocalReplica, there: LocalReplica, store: RoomStore
) -> None:
    async with connected(here.ws_url) as host, connected(here.ws_url) as guest, connected(there.ws_url) as bob:
        await host.join(token("host", moderate=True))
        await guest.join(token("guest"))
        await host.asks("chat", text="a secret")
        await store.set_policy(DEMO, RoomPolicy(lobby=True))
        assert (await guest.hears("room.updated"))["policy"]["lobby"] is True

        await bob.join(token("bob", attributes={"team": "red"}))
        assert bob.joined["lobby"] is True
        assert bob.joined["placement"]["topology"] == "waiting"
        assert (bob.joined["snapshot"]["participants"], bob.joined["snapshot"]["chat"]) == ([], [])
        waiting = (await host.hears("lobby.waiting"))["waiting"]
        assert (waiting["id"], waiting["name"], waiting["attributes"]) == (bob.id, "bob", {"team": "red"})
        await host.asks("chat", text="another secret")
        await guest.hears("chat.message", message=(await host.hears("chat.message"))["message"])
        assert not [event for event in guest.events if event["type"].startswith(("lobby", "participant"))]
        assert not bob.events
        assert bob.id not in {peer.participant for peers in node.media.rooms.values() for peer in peers}

        await host.asks("lobby.admit", participant=bob.id)
        admitted = await bob.hears("lobby.admitted")
        assert {each["identity"] for each in admitted["snapshot"]["participants"]} == {"host", "guest", "bob"}
        assert (admitted["placement"]["topology"], admitted["placement"]["epoch"]) == ("sfu", 1)
        assert (await host.hears("lobby.left"))["reason"] == "admitted"
        assert (await guest.hears("participant.joined"))["participant"]["id"] == bob.id
        await bob.asks("description", **offer("camera", owner="bob"))
        assert (await guest.hears("track.published"))["track"]["participant"] == bob.id
        assert not [event for event in guest.events if event["type"].startswith("lobby")]


async def test_who_waits_may_resume_leave_and_be_denied_or_removed(
    here: LocalReplica, there: LocalReplica, store: RoomStore
) -> None:
    async with (
        connected(here.ws_url) as host,
        connected(there.ws_url) as bob,
        connected(here.ws_url) as again,
        connected(there.ws_url) as carol,
        connected(there.ws_url) as dave,
    ):
        await host.join(token("host", moderate=True))
        await store.set_policy(DEMO, RoomPolicy(lobby=True))
        await bob.join(token("bob"))
        await bob.drops()
        assert (await host.hears("lobby.waiting"))["waiting"]["connected"] is True
        assert (await host.hears("lobby.waiting"))["waiting"]["connected"] is False
        await again.resume(bob.resume_token)
        assert (again.joined["lobby"], again.joined["snapshot"]["participants"]) == (True, [])
        assert (await refusal(again, "chat", text="hello"))["code"] == "not_allowed"

        await host.asks("lobby.deny", participant=bob.id)
        ended = await again.hears("session.ended")
        assert (ended["code"], ended["final"]) == ("lobby_denied", True)
        assert await again.is_closed() == CloseCode.ENDED
        assert (await host.hears("lobby.left"))["reason"] == "denied"

        await carol.join(token("carol"))
        await carol.asks("leave")
        assert (await host.hears("lobby.left", participant=carol.id))["reason"] == "left"
        await dave.join(token("dave"))
        await host.until(lambda event: event["type"] == "lobby.waiting" and event["waiting"]["id"] == dave.id)
        await host.asks("ban", participant=dave.id)
        assert (await dave.hears("session.ended"))["code"] == "removed"
        assert (await host.hears("lobby.left", participant=dave.id))["reason"] == "removed"
        async with connected(here.ws_url) as returned:
            assert (await refusal(returned, "join", token=token("dave")))["code"] == "banned"


async def test_who_was_let_in_while_away_resumes_in_the_room(here: LocalReplica, store: RoomStore) -> None:
    async with connected(here.ws_url) as host, connected(here.ws_url) as bob, connected(here.ws_url) as again:
        await host.join(token("host", moderate=True))
        await store.set_policy(DEMO, RoomPolicy(lobby=True))
        await bob.join(token("bob"))
        await bob.drops()
        await host.asks("lobby.admit", participant=bob.id)
        await again.resume(bob.resume_token)
        assert again.joined["lobby"] is False
        assert {each["identity"] for each in again.joined["snapshot"]["participants"]} == {"host", "bob"}


async def test_who_becomes_moderator_learns_who_waits_and_who_is_none_any_more_forgets(
    here: LocalReplica, there: LocalReplica, store: RoomStore
) -> None:
    async with connected(here.ws_url) as host, connected(there.ws_url) as alice, connected(here.ws_url) as bob:
        await host.join(token("host", moderate=True))
        await alice.join(token("alice"))
        await store.set_policy(DEMO, RoomPolicy(lobby=True))
        await bob.join(token("bob"))
        await host.asks("permissions", participant=alice.id, moderate=True)
        assert [each["id"] for each in (await alice.hears("snapshot"))["snapshot"]["lobby"]] == [bob.id]
        await host.asks("permissions", participant=alice.id, moderate=False)
        assert (await alice.hears("snapshot"))["snapshot"]["lobby"] == []


async def test_without_moderators_a_room_opens_when_its_policy_drops_the_lobby(
    node: LocalNode, here: LocalReplica, store: RoomStore
) -> None:
    async with connected(here.ws_url) as host, connected(here.ws_url) as bob:
        await host.join(token("host", moderate=True))
        await store.set_policy(DEMO, RoomPolicy(lobby=True))
        await bob.join(token("bob"))
        await host.asks("leave")
        await store.set_policy(DEMO, RoomPolicy())
        assert (await bob.hears("lobby.admitted"))["placement"]["topology"] == "sfu"


async def test_who_is_not_let_in_for_too_long_is_sent_away(redis: Redis, here: LocalReplica, store: RoomStore) -> None:
    async with connected(here.ws_url) as host, connected(here.ws_url) as bob:
        await host.join(token("host", moderate=True))
        await store.set_policy(DEMO, RoomPolicy(lobby=True, lobby_timeout_s=60))
        await bob.join(token("bob"))
        await a_minute_passes_for(redis, bob)
        ended = await bob.hears("session.ended")
        assert (ended["code"], ended["final"]) == ("lobby_timeout", True)
        assert (await host.hears("lobby.left"))["reason"] == "waited_too_long"


async def a_minute_passes_for(redis: Redis, client: Client) -> None:
    people = room_key(DEMO, "people")
    person = json.loads(await redis.execute("HGET", people, client.id))
    person["joined_at"] -= 60_000
    await redis.execute("HSET", people, client.id, json.dumps(person))
    await redis.execute("HINCRBY", room_key(DEMO, "meta"), "version", 1)


async def test_a_locked_room_takes_moderators_and_those_who_are_in_already(
    here: LocalReplica, there: LocalReplica
) -> None:
    async with (
        connected(here.ws_url) as host,
        connected(there.ws_url) as alice,
        connected(there.ws_url) as late,
        connected(here.ws_url) as again,
        connected(here.ws_url) as reloaded,
        connected(there.ws_url) as second_host,
    ):
        await host.join(token("host", moderate=True))
        await alice.join(token("alice"))
        await host.asks("lock", locked=True)
        assert (await alice.hears("room.updated"))["policy"]["locked"] is True
        refused = await refusal(late, "join", token=token("late"))
        assert (refused["code"], refused["retryable"]) == ("room_locked", False)
        await second_host.join(token("second", moderate=True))
        await alice.drops()
        await again.resume(alice.resume_token)
        await reloaded.join(token("alice"))  # the same identity takes its own place
        assert reloaded.joined["lobby"] is False
        await second_host.asks("lock", locked=False)
        await late.join(token("late"))


async def test_a_lock_and_those_who_wait_outlive_an_emptied_redis(
    redis: Redis, here: LocalReplica, there: LocalReplica, store: RoomStore
) -> None:
    async with (
        connected(here.ws_url) as host,
        connected(there.ws_url) as bob,
        connected(there.ws_url) as late,
    ):
        await host.join(token("host", moderate=True))
        await store.set_policy(DEMO, RoomPolicy(lobby=True))
        await bob.join(token("bob"))
        await host.asks("lock", locked=True)
        await host.hears("lobby.waiting")
        await empty(redis)
        await host.asks("chat", text="is anybody there?")  # which puts the room together again
        await host.asks("hand", raised=True)
        assert (await refusal(late, "join", token=token("late")))["code"] == "room_locked"
        await host.until(lambda event: event["type"] == "lobby.waiting" or bool(event.get("snapshot", {}).get("lobby")))
        await host.asks("lobby.admit", participant=bob.id)
        assert (await bob.hears("lobby.admitted"))["snapshot"]["policy"]["locked"] is True


async def empty(redis: Redis) -> None:
    """Redis comes back without the room."""
    parts = ("meta", "people", "tracks", "legs", "chat", "chat_text", "replicas", "resume")
    await redis.execute("DEL", *(room_key(DEMO, part) for part in parts))
