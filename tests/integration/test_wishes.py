"""What clients want to receive, on its way to the media node."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from media_adapters.models import SimulcastLayer, Subscription, TrackId
from tests.integration.test_signaling import MICROPHONE, offer
from tests.support.client import Client, connected
from tests.support.inprocess import LocalNode, LocalReplica, local_node, local_replica
from tests.support.redis import RedisTarget

TRACK = TrackId(str(MICROPHONE["id"]))


@pytest.fixture
async def node(redis_target: RedisTarget) -> AsyncIterator[LocalNode]:
    async with local_node(redis_target, "n1") as node:
        yield node


@pytest.fixture
async def replica(redis_target: RedisTarget, node: LocalNode) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "here", nodes=("n1",)) as replica:
        yield replica


async def publishes(client: Client) -> None:
    await client.asks("description", **offer())
    await client.hears("track.published")


async def test_a_track_is_paused_and_goes_on_while_everything_else_is_wanted(
    node: LocalNode, replica: LocalReplica
) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as bob:
        await alice.join(replica.token("demo", "alice"))
        await bob.join(replica.token("demo", "bob"))
        told = node.media.subscriptions
        await bob.asks("subscribe", tracks=[{"track": "t_not_there"}], others="medium")
        await publishes(alice)
        for wish, expected in (
            ({"tracks": [], "others": "low"}, Subscription(track=TRACK, layer=SimulcastLayer.LOW)),
            ({"tracks": [{"track": TRACK, "paused": True}]}, Subscription(track=TRACK, paused=True)),
            ({"tracks": None}, Subscription(track=TRACK)),
        ):
            await bob.asks("subscribe", **wish)
            await node.media.until(lambda: told.get(bob.id) == (expected,))  # noqa: B023 -- awaited at once


async def test_of_wishes_that_come_faster_than_the_node_answers_the_latest_is_carried_out(
    node: LocalNode, replica: LocalReplica
) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as bob:
        await alice.join(replica.token("demo", "alice"))
        await bob.join(replica.token("demo", "bob"))
        await publishes(alice)
        await node.media.until(lambda: bob.id in node.media.subscriptions)
        node.media.calls.clear()
        node.media.held["subscribe"] = asyncio.Event()
        for paused in [True, False] * 50 + [True]:
            await bob.asks("subscribe", tracks=[{"track": TRACK, "paused": paused}])
        node.media.held.pop("subscribe").set()
        await node.media.until(lambda: node.media.subscriptions[bob.id] == (Subscription(track=TRACK, paused=True),))
        assert [method for method, _ in node.media.calls].count("subscribe") <= 2
