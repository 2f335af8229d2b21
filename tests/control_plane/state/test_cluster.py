"""Following a cluster whose slots and masters change."""

import asyncio

import pytest
from redis.crc import key_slot

from control_plane.errors import Unavailable
from control_plane.state import Redis, RedisReplyError
from tests.support.redis import RedisCluster, running_cluster


def key_of(cluster: RedisCluster, index: int) -> str:
    """A key that the given master holds."""
    owner = cluster.masters[index]
    return next(key for key in map(str, range(1000)) if cluster.owner(key_slot(key.encode())) is owner)


async def test_a_slot_that_moved_for_good_is_followed() -> None:
    async with running_cluster() as cluster, Redis.connect(cluster.url, cluster=True) as redis:
        key = key_of(cluster, 0)
        source, target = cluster.masters[:2]
        for server in (target, source):
            server.ask("CLUSTER", "SETSLOT", key_slot(key.encode()), "NODE", cluster.id_of(target))
        await redis.execute("SET", key, "value")
        assert target.ask("GET", key) == b"value"
        assert await redis.execute("GET", key) == b"value"


async def test_a_key_that_moved_ahead_of_its_slot_is_found() -> None:
    async with running_cluster() as cluster, Redis.connect(cluster.url, cluster=True) as redis:
        key = key_of(cluster, 0)
        slot = key_slot(key.encode())
        source, target = cluster.masters[:2]
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.id_of(source))
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", cluster.id_of(target))
        replies = await asyncio.gather(*(redis.execute("INCR", key) for _ in range(50)))
        assert replies == list(range(1, 51))
        source.ask("CLUSTER", "SETSLOT", slot, "NODE", cluster.id_of(source))
        assert source.ask("GET", key) is None  # it never was written where the slot still is


async def test_a_master_that_failed_over_is_replaced_by_its_replica() -> None:
    async with running_cluster(replicas=1) as cluster, Redis.connect(cluster.url, cluster=True) as redis:
        key = key_of(cluster, 0)
        cluster.masters[0].ask("SET", key, "kept")
        assert cluster.masters[0].ask("WAIT", 1, 5000) == 1  # waits for this client's writes only
        back = asyncio.Event()
        redis.on_connected(back.set)
        cluster.masters[0].kill()
        with pytest.raises(Unavailable):
            await redis.execute("GET", key)
        await asyncio.wait_for(back.wait(), 15)
        assert await redis.execute("GET", key) == b"kept"


async def test_a_script_across_two_slots_is_refused(shared_cluster: RedisCluster) -> None:
    async with Redis.connect(shared_cluster.url, cluster=True) as redis:
        with pytest.raises(RedisReplyError) as caught:
            await redis.execute("MSET", key_of(shared_cluster, 0), 1, key_of(shared_cluster, 1), 2)
        assert caught.value.code == "CROSSSLOT"
