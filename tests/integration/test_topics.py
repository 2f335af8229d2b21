"""Topic messages over two replicas: heard by who is there, kept nowhere, and not by whom they are not for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from control_plane.access.tokens import Grants, RoomTokens
from tests.support.client import RequestFailed, connected
from tests.support.inprocess import TOKEN_SECRET, LocalReplica, local_node, local_replica
from tests.support.redis import RedisTarget


@pytest.fixture
async def here(redis_target: RedisTarget) -> AsyncIterator[LocalReplica]:
    async with local_node(redis_target, "n1"), local_replica(redis_target, "here", nodes=("n1",)) as replica:
        yield replica


@pytest.fixture
async def there(redis_target: RedisTarget, here: LocalReplica) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "there", nodes=("n1",)) as replica:
        yield replica


def token(identity: str, **grants: Any) -> str:
    claims = {"room": "demo", "sub": identity, "name": identity, **grants}
    return RoomTokens(TOKEN_SECRET).mint(Grants.model_validate(claims))


async def test_a_reaction_is_heard_by_everybody_once_also_by_who_sent_it_and_by_nobody_who_comes_later(
    here: LocalReplica, there: LocalReplica
) -> None:
    async with connected(here.ws_url) as ann, connected(here.ws_url) as bob, connected(there.ws_url) as carol:
        for client, name in ((ann, "ann"), (bob, "bob"), (carol, "carol")):
            await client.join(token(name))
        await ann.hears("participant.joined", participant=carol.joined["participant"])
        await ann.asks("message", topic="reaction", text="👏")
        for client in (ann, bob, carol):
            heard = await client.hears("message")
            assert (heard["participant"], heard["topic"], heard["text"]) == (ann.id, "reaction", "👏")
        await carol.asks("chat", text="that was all")
        for client in (ann, bob, carol):
            await client.hears("chat.message")
            assert not [event for event in client.events if event["type"] == "message"]
        async with connected(there.ws_url) as dave:
            await dave.join(token("dave"))
            await dave.asks("chat", text="hello")
            await dave.hears("chat.message", version=dave.joined["snapshot"]["version"] + 1)
            assert not [event for event in dave.events if event["type"] == "message"]


async def test_a_message_for_one_reaches_nobody_else(here: LocalReplica, there: LocalReplica) -> None:
    async with connected(here.ws_url) as ann, connected(here.ws_url) as bob, connected(there.ws_url) as carol:
        for client, name in ((ann, "ann"), (bob, "bob"), (carol, "carol")):
            await client.join(token(name))
        await ann.hears("participant.joined", participant=carol.joined["participant"])
        await ann.asks("message", topic="secret", text="psst", to=[carol.id, "p_nobody"])
        await carol.hears("message", text="psst")
        await carol.asks("message", topic="open", text="to all")
        for client in (ann, bob):
            assert (await client.hears("message"))["text"] == "to all"


async def test_who_may_not_write_or_is_hidden_sends_nothing(here: LocalReplica) -> None:
    async with connected(here.ws_url) as mute, connected(here.ws_url) as hidden:
        await mute.join(token("mute", chat=False))
        await hidden.join(token("hidden", hidden=True))
        for client in (mute, hidden):
            with pytest.raises(RequestFailed, match="not_allowed"):
                await client.asks("message", topic="reaction", text="👏")


async def test_too_many_or_too_much_is_refused_and_says_when_to_go_on(here: LocalReplica) -> None:
    async with connected(here.ws_url) as ann:
        await ann.join(token("ann"))
        with pytest.raises(RequestFailed, match="invalid_request"):
            await ann.asks("message", topic="reaction", text="x" * 4097)
        with pytest.raises(RequestFailed, match="invalid_request"):
            await ann.asks("message", topic="no spaces", text="x")
        many = (ann.asks("message", topic="reaction", text="👏") for _ in range(100))
        answers = await asyncio.gather(*many, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, RequestFailed)]
        assert 0 < len(refused) <= 80
        assert {error.code for error in refused} == {"rate_limited"}
        assert all(0 < error.error["retry_after_ms"] <= 101 for error in refused)
