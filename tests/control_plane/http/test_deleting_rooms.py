"""Rooms that are deleted while people join them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from control_plane.signaling.messages import CloseCode
from tests.control_plane.http.conftest import ApiClient
from tests.support.client import Client, RequestFailed, connected
from tests.support.inprocess import LocalNode, LocalReplica, local_node, local_replica
from tests.support.offers import offer
from tests.support.redis import RedisTarget

JOINERS = 16
ROUNDS = 3


@pytest.fixture
async def node(redis_target: RedisTarget) -> AsyncIterator[LocalNode]:
    async with local_node(redis_target, "n1") as node:
        yield node


@pytest.fixture
async def replicas(
    redis_target: RedisTarget, node: LocalNode, migrated_database_url: str
) -> AsyncIterator[list[LocalReplica]]:
    async with (
        local_replica(redis_target, "here", (node.id,), migrated_database_url) as here,
        local_replica(redis_target, "there", (node.id,), migrated_database_url) as there,
    ):
        yield [here, there]


@pytest.fixture
async def api(replicas: list[LocalReplica]) -> AsyncIterator[ApiClient]:
    async with aiohttp.ClientSession() as session:
        yield ApiClient(session, replicas[1].url, await replicas[1].api_key())


@dataclass(frozen=True)
class Stay:
    """How a join ended: a code it was refused with, or the client and the incarnation that it came into."""

    client: Client
    refused: str | None = None

    @property
    def incarnation(self) -> str:
        return str(self.client.joined["snapshot"]["incarnation"])


async def tries(client: Client, token: str) -> Stay:
    try:
        return Stay(await client.join(token))
    except RequestFailed as error:
        return Stay(client, error.code)
    except ConnectionError:
        return Stay(client, "closed")


async def state_of(api: ApiClient) -> dict[str, Any]:
    return dict((await api.asks("GET", "/v1/rooms/demo/participants?limit=100")).body)


async def test_who_joins_a_room_that_is_being_deleted_is_in_the_next_one_or_out_and_never_between(
    replicas: list[LocalReplica], api: ApiClient
) -> None:
    async with AsyncExitStack() as stack:
        early = await (await stack.enter_async_context(connected(replicas[0].ws_url))).join(
            replicas[0].token("demo", "early")
        )
        for turn in range(ROUNDS):
            before = (await api.asks("GET", "/v1/rooms/demo")).body["live"]["incarnation"]
            clients = [
                await stack.enter_async_context(connected(replicas[number % 2].ws_url)) for number in range(JOINERS)
            ]
            joins = [
                asyncio.create_task(tries(client, replicas[0].token("demo", f"p{turn}-{number}")))
                for number, client in enumerate(clients)
            ]
            assert (await api.asks("DELETE", "/v1/rooms/demo")).status == 204
            stays = await asyncio.gather(*joins)
            late = await stack.enter_async_context(connected(replicas[turn % 2].ws_url))
            stays.append(await tries(late, replicas[0].token("demo", f"late-{turn}")))
            assert stays[-1].refused is None
            now = stays[-1].incarnation
            assert now != before
            assert {stay.incarnation for stay in stays if stay.refused is None} <= {before, now}

            for stay in stays:
                if stay.refused is not None or stay.incarnation == before:
                    assert stay.refused is not None or await stay.client.is_closed() == CloseCode.ENDED
            inside = {stay.client.id for stay in stays if stay.refused is None and stay.incarnation == now}
            assert {each["id"] for each in (await state_of(api))["participants"]} == inside
            await late.asks("chat", text=f"turn {turn}")
            for stay in stays:
                if stay.refused is None and stay.incarnation == now:
                    await stay.client.until(lambda event: event["type"] == "chat.message")
        assert await early.is_closed() == CloseCode.ENDED


async def test_a_deleted_room_leaves_no_media_behind(
    replicas: list[LocalReplica], api: ApiClient, node: LocalNode
) -> None:
    async with connected(replicas[0].ws_url) as ann:
        await ann.join(replicas[0].token("demo", "ann"))
        await ann.asks("description", **offer("camera"))
        await node.media.until(lambda: any(node.media.rooms.values()))
        assert (await api.asks("DELETE", "/v1/rooms/demo")).status == 204
        assert (await ann.hears("session.ended"))["code"] == "room_closed"
        await node.media.until(lambda: not any(node.media.rooms.values()))


async def test_a_deleted_room_is_made_anew_without_its_policy_also_by_who_held_it(
    replicas: list[LocalReplica], api: ApiClient
) -> None:
    assert (await api.asks("POST", "/v1/rooms", {"room": "demo", "policy": {"capacity": 1}})).status == 201
    async with connected(replicas[0].ws_url) as ann, connected(replicas[0].ws_url) as ben:
        first = await ann.join(replicas[0].token("demo", "ann"))
        with pytest.raises(RequestFailed, match="room_full"):
            await ben.join(replicas[0].token("demo", "ben"))
        assert (await api.asks("DELETE", "/v1/rooms/demo")).status == 204
        assert await first.is_closed() == CloseCode.ENDED
    async with connected(replicas[0].ws_url) as ann, connected(replicas[1].ws_url) as ben:
        await ann.join(replicas[0].token("demo", "ann"))
        await ben.join(replicas[1].token("demo", "ben"))
        room = (await api.asks("GET", "/v1/rooms/demo")).body
        assert (room["created_at"], room["policy"]["capacity"], room["live"]["participants"]) == (None, 100, 2)
        assert room["live"]["incarnation"] != first.joined["snapshot"]["incarnation"]
