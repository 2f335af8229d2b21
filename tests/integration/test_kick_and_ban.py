"""Kicks and bans, across two replicas, an emptied Redis, and a database that is away."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from control_plane.access.models import BanRow
from control_plane.access.tokens import Grants, RoomTokens
from control_plane.database import Database
from control_plane.signaling.messages import CloseCode
from tests.support.client import Client, RequestFailed, connected
from tests.support.database import migrate, running_postgres
from tests.support.inprocess import TOKEN_SECRET, LocalNode, LocalReplica, local_node, local_replica
from tests.support.offers import offer
from tests.support.redis import RedisTarget, running_redis

ALICES, BOBS, OTHER = "alices-own-device", "bobs-browser-at-home", "a-device-of-nobody"


@pytest.fixture
async def node(redis_target: RedisTarget) -> AsyncIterator[LocalNode]:
    async with local_node(redis_target, "n1") as node:
        yield node


@pytest.fixture
async def here(redis_target: RedisTarget, node: LocalNode, migrated_database_url: str) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "here", (node.id,), migrated_database_url) as replica:
        yield replica


@pytest.fixture
async def there(
    redis_target: RedisTarget, here: LocalReplica, migrated_database_url: str
) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "there", ("n1",), migrated_database_url) as replica:
        yield replica


def token(identity: str | None, **grants: Any) -> str:
    claims = {"room": "demo", "sub": identity, "name": identity or "guest", **grants}
    return RoomTokens(TOKEN_SECRET).mint(Grants.model_validate(claims))


async def refused_at(replica: LocalReplica, shown: str, device: str | None = None) -> str | None:
    """The code with which a join is refused; None when the token lets in, and then its bearer leaves again."""
    async with connected(replica.ws_url) as client:
        try:
            await client.join(shown, device=device)
        except RequestFailed as refused:
            return refused.code
        await client.asks("leave")
        return None


async def is_removed(client: Client) -> None:
    ended = await client.hears("session.ended")
    assert (ended["code"], ended["final"]) == ("removed", True)
    assert await client.is_closed() == CloseCode.ENDED


async def forget_bans(redis_target: RedisTarget) -> None:
    async with redis_target.connect() as redis:
        await redis.execute("DEL", "nv:{bans:demo}:list", "nv:{bans:demo}:changes")


async def until_ready(replica: LocalReplica) -> None:
    async with asyncio.timeout(10), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{replica.url}/readyz") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.05)


async def test_a_kick_ends_everything_at_once_and_the_tokens_let_nobody_in(
    node: LocalNode, here: LocalReplica, there: LocalReplica
) -> None:
    async with connected(here.ws_url) as alice, connected(there.ws_url) as bob:
        shown = token("bob")
        await alice.join(token("alice", moderate=True))
        await bob.join(shown)
        await bob.asks("description", **offer("camera", owner="bob"))
        await alice.hears("track.published")

        await alice.asks("kick", participant=bob.id, reason="shouting")
        await is_removed(bob)
        assert (await alice.hears("track.ended"))["participant"] == bob.id
        assert (await alice.hears("participant.left"))["reason"] == "removed"
        await node.media.until(
            lambda: not any(bob.id in map(_participant, peers) for peers in node.media.rooms.values())
        )
        for replica in (here, there):
            assert await refused_at(replica, shown) == "kicked"
            async with connected(replica.ws_url) as again:
                with pytest.raises(RequestFailed, match=r"kicked: You were removed from this room\. Reason: shouting"):
                    await again.resume(bob.resume_token)


def _participant(peer: Any) -> str:
    return str(peer.participant)


async def test_a_ban_holds_against_new_tokens_of_the_identity_and_nobody_else(
    here: LocalReplica, there: LocalReplica
) -> None:
    async with connected(here.ws_url) as alice, connected(there.ws_url) as bob:
        await alice.join(token("alice", moderate=True))
        await bob.join(token("bob"))
        await alice.hears("participant.joined")
        await alice.asks("ban", participant=bob.id)
        await is_removed(bob)
        for replica in (here, there):
            assert await refused_at(replica, token("bob")) == "banned"
            assert await refused_at(replica, token("bob", room="another")) is None
            assert await refused_at(replica, token("carol")) is None


async def test_who_was_removed_stays_out_after_redis_was_emptied(migrated_database_url: str) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        server = await enter(running_redis())
        redis = RedisTarget(server.url, cluster=False)
        node = await enter(local_node(redis, "n1"))
        here = await enter(local_replica(redis, "here", (node.id,), migrated_database_url))
        there = await enter(local_replica(redis, "there", (node.id,), migrated_database_url))
        alice, bob, carol = [await enter(connected(at.ws_url)) for at in (here, there, there)]
        shown = token("bob")
        await alice.join(token("alice", moderate=True))
        await bob.join(shown)
        await carol.join(token("carol"))
        await alice.asks("kick", participant=bob.id)
        await alice.asks("ban", participant=carol.id)
        await is_removed(bob)
        await is_removed(carol)
        server.kill()
        await server.restart_empty()
        for replica in (here, there):
            await until_ready(replica)
            assert await refused_at(replica, shown) == "kicked"
            assert await refused_at(replica, token("carol")) == "banned"


async def test_a_kick_holds_also_while_redis_does_not_know_the_room_again_yet(migrated_database_url: str) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        server = await enter(running_redis())
        redis = RedisTarget(server.url, cluster=False)
        node = await enter(local_node(redis, "n1"))
        here = await enter(local_replica(redis, "here", (node.id,), migrated_database_url))
        there = await enter(local_replica(redis, "there", (node.id,), migrated_database_url))
        alice, bob = [await enter(connected(at.ws_url)) for at in (here, there)]
        await alice.join(token("alice", moderate=True))
        await bob.join(token("bob"))
        await alice.hears("participant.joined")
        async with redis.connect() as keys:
            await keys.execute("FLUSHALL")
        await alice.asks("ban", participant=bob.id)
        await is_removed(bob)
        assert await refused_at(there, token("bob")) == "banned"
        await alice.asks("chat", text="still here")


async def test_media_of_who_is_kicked_while_their_connection_is_away_end_too(
    node: LocalNode, here: LocalReplica, there: LocalReplica
) -> None:
    async with connected(here.ws_url) as alice, connected(there.ws_url) as bob:
        await alice.join(token("alice", moderate=True))
        await bob.join(token("bob"))
        await bob.asks("description", **offer("camera", owner="bob"))
        await alice.hears("track.published")
        await bob.drops()
        await alice.hears("participant.updated")
        await alice.asks("kick", participant=bob.id)
        await node.media.until(
            lambda: not any(bob.id in map(_participant, peers) for peers in node.media.rooms.values()), seconds=1.0
        )
        async with connected(there.ws_url) as again:
            with pytest.raises(RequestFailed, match="kicked"):
                await again.resume(bob.resume_token)


async def test_a_guest_s_token_is_closed_and_other_guests_stay(here: LocalReplica, there: LocalReplica) -> None:
    link = token(None)
    async with connected(here.ws_url) as alice, connected(there.ws_url) as one, connected(there.ws_url) as two:
        await alice.join(token("alice", moderate=True))
        await one.join(link)
        await two.join(link)
        await alice.asks("kick", participant=one.id)
        await is_removed(one)
        await two.asks("chat", text="still here")
        assert await refused_at(there, link) == "kicked"
        assert await refused_at(there, token(None)) is None


async def test_a_ban_of_a_device_keeps_out_whoever_comes_on_it(migrated_database_url: str) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        server = await enter(running_redis())
        redis = RedisTarget(server.url, cluster=False)
        node = await enter(local_node(redis, "n1"))
        here = await enter(local_replica(redis, "here", (node.id,), migrated_database_url))
        there = await enter(local_replica(redis, "there", (node.id,), migrated_database_url))
        alice, bob, second_tab, away, carol = [
            await enter(connected(at.ws_url)) for at in (here, there, here, there, there)
        ]
        await alice.join(token("alice", moderate=True), device=ALICES)
        await bob.join(token("bob"), device=BOBS)
        await second_tab.join(token(None), device=BOBS)
        await away.join(token("dave"), device=BOBS)
        await carol.join(token("carol"))
        await away.drops()
        await alice.hears("participant.updated")

        await alice.asks("ban", participant=bob.id, device=True)
        await is_removed(bob)
        await is_removed(second_tab)
        async with connected(here.ws_url) as again:
            with pytest.raises(RequestFailed, match=r"banned|resume_refused"):
                await again.resume(away.resume_token)
        await carol.asks("chat", text="I said nothing of my device")
        server.kill()
        await server.restart_empty()
        for replica in (here, there):
            await until_ready(replica)
            for newcomer in ("bob", "eve", None):
                assert await refused_at(replica, token(newcomer), BOBS) == "banned"
            assert await refused_at(replica, token("bob"), OTHER) == "banned"
            assert await refused_at(replica, token("eve"), OTHER) is None


async def test_moderators_can_not_ban_the_device_that_they_are_on(here: LocalReplica) -> None:
    async with connected(here.ws_url) as alice, connected(here.ws_url) as bob:
        await alice.join(token("alice", moderate=True), device=ALICES)
        await bob.join(token("bob"), device=ALICES)
        await alice.hears("participant.joined")
        with pytest.raises(RequestFailed, match="not_allowed"):
            await alice.asks("ban", participant=bob.id, device=True)
        await bob.asks("chat", text="still here")


async def test_what_a_client_says_of_its_device_is_nowhere(
    redis_target: RedisTarget, here: LocalReplica, database: Database
) -> None:
    async with connected(here.ws_url) as alice, connected(here.ws_url) as bob:
        await alice.join(token("alice", moderate=True))
        await bob.join(token("bob"), device=BOBS)
        assert "device" not in json.dumps((await alice.hears("participant.joined"))["participant"])
        async with redis_target.connect() as redis:
            people = await redis.execute("HVALS", "nv:{room:demo}:people")
        assert people
        assert BOBS not in str(people)
        await alice.asks("ban", participant=bob.id, device=True)
        async with database.transaction() as session:
            row = (await session.scalars(select(BanRow))).one()
        assert row.device
        assert BOBS not in row.device


async def test_without_the_database_joins_go_on_bans_that_are_known_hold_and_new_ones_are_refused(
    redis_target: RedisTarget, node: LocalNode
) -> None:
    async with AsyncExitStack() as stack:
        postgres = stack.enter_context(running_postgres())
        await migrate(postgres.url)
        enter = stack.enter_async_context
        here = await enter(local_replica(redis_target, "here", (node.id,), postgres.url))
        there = await enter(local_replica(redis_target, "there", (node.id,), postgres.url))
        alice, bob = await enter(connected(here.ws_url)), await enter(connected(here.ws_url))
        await alice.join(token("alice", moderate=True))
        await bob.join(token("bob"))
        await alice.asks("ban", participant=bob.id)
        await is_removed(bob)

        postgres.kill()
        await forget_bans(redis_target)
        carol, stranger = await enter(connected(here.ws_url)), await enter(connected(there.ws_url))
        assert await refused_at(here, token("bob")) == "banned"
        await carol.join(token("carol"))
        with pytest.raises(RequestFailed, match="unavailable") as refused:
            await alice.asks("kick", participant=carol.id)
        assert refused.value.error["retryable"]
        await carol.asks("chat", text="nothing has happened to me")
        await stranger.join(token("dave"))

        postgres.start()
        await alice.asks("kick", participant=carol.id)
        await is_removed(carol)


async def test_who_got_in_while_nobody_could_know_better_is_out_once_the_database_is_back(
    redis_target: RedisTarget, node: LocalNode
) -> None:
    async with AsyncExitStack() as stack:
        postgres = stack.enter_context(running_postgres())
        await migrate(postgres.url)
        enter = stack.enter_async_context
        async with local_replica(redis_target, "before", (node.id,), postgres.url) as before:
            alice, bob = await enter(connected(before.ws_url)), await enter(connected(before.ws_url))
            await alice.join(token("alice", moderate=True))
            await bob.join(token("bob"))
            await alice.asks("ban", participant=bob.id)
            await is_removed(bob)
        there = await enter(local_replica(redis_target, "there", (node.id,), postgres.url))
        postgres.kill()
        await forget_bans(redis_target)
        again = await enter(connected(there.ws_url))
        await again.join(token("bob"))
        postgres.start()
        await is_removed(again)
