"""What callers of the API notice when the database is away."""

import asyncio

import aiohttp

from tests.control_plane.http.conftest import ApiClient
from tests.support.database import migrate, running_postgres
from tests.support.inprocess import local_replica
from tests.support.redis import RedisTarget


async def test_while_the_database_is_away_a_request_can_be_tried_again_later(redis_target: RedisTarget) -> None:
    with running_postgres() as server:
        await migrate(server.url)
        async with (
            local_replica(redis_target, "here", database_url=server.url) as replica,
            aiohttp.ClientSession() as session,
        ):
            api = ApiClient(session, replica.url, await replica.api_key())
            assert (await api.asks("GET", "/v1/rooms")).status == 200
            await asyncio.to_thread(server.kill)
            refused = await api.asks("GET", "/v1/rooms")
            assert (refused.status, refused.code, refused.body["retryable"]) == (503, "unavailable", True)
            await asyncio.to_thread(server.start)
            assert (await api.asks("GET", "/v1/rooms")).status == 200
