"""`/healthz` and `/readyz` say what is so, also when something is away."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from control_plane.turn.models import TurnServer
from control_plane.turn.secrets import rotated, write
from control_plane.turn.settings import TurnSettings
from tests.support.client import connected
from tests.support.database import migrate, running_postgres
from tests.support.inprocess import LocalReplica, local_node, local_replica
from tests.support.ports import reserved_port
from tests.support.redis import RedisTarget, running_redis

GOOD = {"ready": True, "accepting": True, "redis": True, "media_node": True, "degraded": []}


async def said(replica: LocalReplica, path: str = "/readyz") -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(replica.url + path) as response:
        return response.status, await response.json()


async def until(replica: LocalReplica, wanted: Callable[[int, dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while not wanted(*(answer := await said(replica))):  # noqa: ASYNC110 - over HTTP nobody is told
            await asyncio.sleep(0.05)
    return answer[1]


async def test_with_everything_there_people_are_welcome() -> None:
    async with running_redis() as redis:
        target = RedisTarget(redis.url, cluster=False)
        async with local_node(target, "n1"), local_replica(target, "here", nodes=("n1",)) as replica:
            assert await said(replica) == (200, GOOD)
            assert await said(replica, "/healthz") == (200, {"status": "ok"})


async def test_without_redis_or_a_node_nobody_is_sent_here() -> None:
    async with running_redis() as redis:
        target = RedisTarget(redis.url, cluster=False)
        async with local_replica(target, "here", nodes=("n1",)) as replica:
            assert await said(replica) == (503, GOOD | {"ready": False, "media_node": False, "degraded": ["capacity"]})
            redis.kill()
            answer = await until(replica, lambda _, answer: not answer["redis"])
            assert not answer["ready"]
            assert (await said(replica, "/healthz"))[0] == 200, "a restart would bring nothing back"


async def test_a_redis_that_answers_nothing_is_not_there() -> None:
    async with running_redis() as redis:
        target = RedisTarget(redis.url, cluster=False)
        async with local_node(target, "n1"), local_replica(target, "here", nodes=("n1",)) as replica:
            redis.stop()
            try:
                await until(replica, lambda status, answer: status == 503 and not answer["redis"])
            finally:
                redis.cont()
            await until(replica, lambda status, _: status == 200)


async def test_without_the_database_people_join_and_it_is_said_that_it_is_away() -> None:
    with running_postgres() as server:
        await migrate(server.url)
        async with running_redis() as redis:
            target = RedisTarget(redis.url, cluster=False)
            async with (
                local_node(target, "n1"),
                local_replica(target, "here", nodes=("n1",), database_url=server.url) as replica,
                connected(replica.ws_url) as alice,
            ):
                await asyncio.to_thread(server.kill)
                answer = await until(replica, lambda _, answer: answer["degraded"] == ["database"])
                assert answer == GOOD | {"degraded": ["database"]}
                await alice.join(replica.token("wedding", "alice"))
                await asyncio.to_thread(server.start)
                await until(replica, lambda _, answer: answer == GOOD)


async def test_full_nodes_take_no_new_rooms_but_those_that_they_have_can_be_joined() -> None:
    async with running_redis() as redis:
        target = RedisTarget(redis.url, cluster=False)
        async with local_node(target, "n1", capacity=1), local_replica(target, "here", nodes=("n1",)) as replica:
            assert await said(replica) == (200, GOOD | {"degraded": ["capacity"]})


async def test_relays_of_which_none_answers_are_missed(tmp_path: Path) -> None:
    secrets = tmp_path / "turn-secrets"
    write(secrets, rotated((), 1_700_000_000, delay=0, ttl=60))
    server = TurnServer(id="t1", host="127.0.0.1", tcp=reserved_port())
    turn = TurnSettings(_env_file=None, turn_servers=(server,), turn_secrets=secrets)
    async with running_redis() as redis:
        target = RedisTarget(redis.url, cluster=False)
        async with local_node(target, "n1"), local_replica(target, "here", nodes=("n1",), turn=turn) as replica:
            answer = await until(replica, lambda _, answer: "relays" in answer["degraded"])
            assert answer["ready"]
            up = {"server": "t1", "region": "", "transport": "tcp"}
            assert replica.metrics.registry.get_sample_value("nexusvibe_turn_server_up", up) == 0


@pytest.mark.parametrize("work", ["node registry", "database watch"])
async def test_work_that_has_ended_by_a_fault_is_a_reason_to_restart(work: str) -> None:
    async with running_redis() as redis:
        target = RedisTarget(redis.url, cluster=False)
        async with local_replica(target, "here") as replica:
            (task,) = (task for task in asyncio.all_tasks() if task.get_name() == work)
            task.cancel()
            await asyncio.wait({task})
            status, answer = await said(replica, "/healthz")
    assert status == 503
    assert answer["status"] == "broken"
    assert len(answer["ended"]) == 1
