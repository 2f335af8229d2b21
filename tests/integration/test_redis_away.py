"""Redis is away for a while and comes back as it was: what was to be changed meanwhile is refused, or made up for."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.support.client import Client, RequestFailed, connected
from tests.support.inprocess import LocalReplica, local_node, local_replica
from tests.support.offers import offer, track_id
from tests.support.redis import RedisServer, RedisTarget, running_redis


@dataclass(frozen=True)
class Place:
    redis: RedisServer
    replica: LocalReplica


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with running_redis() as redis:
        target = RedisTarget(redis.url, cluster=False)
        async with local_node(target, "n1"), local_replica(target, "here", nodes=("n1",)) as replica:
            yield Place(redis, replica)


async def says(client: Client, text: str) -> None:
    """As a client does: again while the refusal is one that passes."""
    while True:
        try:
            await client.asks("chat", text=text)
        except RequestFailed as failed:
            if not failed.error["retryable"]:
                raise
            await asyncio.sleep(failed.error.get("retry_after_ms", 50) / 1000)
        else:
            return


async def test_a_change_meanwhile_gets_a_retryable_error_and_can_be_made_afterwards(place: Place) -> None:
    async with connected(place.replica.ws_url) as alice:
        await alice.join(place.replica.token("demo", "alice"))
        place.redis.stop()
        with pytest.raises(RequestFailed) as refused:
            await alice.asks("chat", text="lost")
        assert (refused.value.code, refused.value.error["retryable"]) == ("unavailable", True)
        place.redis.cont()
        await says(alice, "said")


async def test_who_leaves_meanwhile_is_gone_afterwards(place: Place) -> None:
    async with connected(place.replica.ws_url) as alice, connected(place.replica.ws_url) as bob:
        await alice.join(place.replica.token("demo", "alice"))
        await bob.join(place.replica.token("demo", "bob"))
        place.redis.stop()
        await alice.asks("leave")
        place.redis.cont()
        assert (await bob.hears("participant.left"))["participant"] == alice.id


async def test_who_loses_the_connection_meanwhile_is_away_afterwards_and_may_resume(place: Place) -> None:
    async with connected(place.replica.ws_url) as alice, connected(place.replica.ws_url) as bob:
        await alice.join(place.replica.token("demo", "alice"))
        await bob.join(place.replica.token("demo", "bob"))
        place.redis.stop()
        await alice.drops()
        place.redis.cont()
        assert not (await bob.hears("participant.updated"))["participant"]["connected"]
        async with connected(place.replica.ws_url) as again:
            await again.resume(alice.resume_token)


async def test_who_speaks_as_soon_as_redis_is_back_empty_is_heard(place: Place) -> None:
    async with connected(place.replica.ws_url) as alice, connected(place.replica.ws_url) as bob:
        await alice.join(place.replica.token("demo", "alice"))
        await bob.join(place.replica.token("demo", "bob"))
        await place.redis.restart_empty()
        await says(alice, "first words")
        await bob.until(
            lambda event: "first words" in json.dumps(event)
        )  # said, or in the snapshot that made up for it
        async with connected(place.replica.ws_url) as carol:
            await carol.join(place.replica.token("demo", "carol"))
            assert len(carol.joined["snapshot"]["participants"]) == 3


async def test_what_was_published_while_redis_was_away_is_announced_afterwards(place: Place) -> None:
    async with connected(place.replica.ws_url) as alice, connected(place.replica.ws_url) as bob:
        await alice.join(place.replica.token("demo", "alice"))
        await bob.join(place.replica.token("demo", "bob"))
        place.redis.kill()
        await alice.asks("description", **offer("microphone"))
        await place.redis.restart_empty()
        await bob.until(lambda event: track_id("alice", "microphone") in json.dumps(event))
