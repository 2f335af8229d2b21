"""A replica, and an API key, for the clients of integrators' servers."""

from collections.abc import AsyncIterator

import pytest
import redis as redis_py

from tests.support.inprocess import LocalReplica, local_node, local_replica
from tests.support.redis import RedisTarget


@pytest.fixture
async def replica(shared_redis: str) -> AsyncIterator[LocalReplica]:
    with redis_py.Redis.from_url(shared_redis) as client:
        client.flushall()
    target = RedisTarget(shared_redis, cluster=False)
    async with local_node(target, "n1"), local_replica(target, "here", nodes=("n1",)) as replica:
        yield replica


@pytest.fixture
async def key(replica: LocalReplica) -> str:
    """For rooms whose names begin with `shop-`."""
    return await replica.api_key("shop-")
