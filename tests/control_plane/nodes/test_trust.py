"""Whom replicas believe, as operators decide, while Redis and the database come and go."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from control_plane.database import Database
from control_plane.errors import Conflict, NotFound, Unavailable
from control_plane.ids import NodeId
from control_plane.nodes import trust as trust_module
from control_plane.nodes.enrolment_errors import EnrolmentExpired, EnrolmentRefused, EnrolmentUsed
from control_plane.nodes.records import NodeRecords, NodeState
from control_plane.nodes.trust import NodeTrust, announce
from control_plane.state import Redis
from media_adapters.wire import new_private_key, private_key, public_text
from media_adapters.wire.enrolment import EnrolmentToken
from tests.support.database import migrate, running_postgres
from tests.support.redis import running_redis
from tests.support.trust import trusting

N1, N2 = NodeId("n1"), NodeId("n2")
KEY, OTHER_KEY = (public_text(private_key(new_private_key())) for _ in range(2))
A_WHILE = timedelta(minutes=15)


@pytest.fixture
def records(database: Database) -> NodeRecords:
    return NodeRecords(database)


async def approved(records: NodeRecords, node: NodeId, key: str = KEY) -> None:
    await records.enrol(await records.invite(node, "eu", A_WHILE), key)
    await records.approve(node)


async def comes(trust: NodeTrust, holds: Callable[[], bool]) -> None:
    """Wait until the replica knows."""
    changed = asyncio.Event()
    trust.on_change(changed.set)
    async with asyncio.timeout(30):
        while not holds():
            changed.clear()
            await changed.wait()


# ── Tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_token_makes_one_machine_a_node_that_waits(records: NodeRecords) -> None:
    token = await records.invite(N1, "eu", A_WHILE)
    record = await records.enrol(token, KEY)
    assert (record.id, record.region, record.state, record.public_key) == (N1, "eu", NodeState.PENDING, KEY)
    with pytest.raises(EnrolmentUsed):
        await records.enrol(token, OTHER_KEY)
    assert [known.public_key for known in await records.all()] == [KEY]


async def test_of_machines_that_use_one_token_at_once_one_gets_in(records: NodeRecords) -> None:
    token = await records.invite(N1, "eu", A_WHILE)
    keys = [public_text(private_key(new_private_key())) for _ in range(6)]
    results = await asyncio.gather(*(records.enrol(token, key) for key in keys), return_exceptions=True)
    assert sum(isinstance(result, EnrolmentUsed) for result in results) == 5
    (record,) = await records.all()
    assert record in results


async def test_the_same_machine_may_ask_again_for_an_answer_that_got_lost(records: NodeRecords) -> None:
    token = await records.invite(N1, "eu", A_WHILE)
    assert await records.enrol(token, KEY) == await records.enrol(token, KEY)
    await records.approve(N1)
    assert (await records.enrol(token, KEY)).state is NodeState.APPROVED


async def test_a_token_that_is_late_forged_replaced_or_of_a_removed_node_is_refused(records: NodeRecords) -> None:
    late = await records.invite(N1, "eu", timedelta(0))
    with pytest.raises(EnrolmentExpired):
        await records.enrol(late, KEY)
    with pytest.raises(EnrolmentRefused):
        await records.enrol(EnrolmentToken(late.id, EnrolmentToken.fresh().secret), KEY)
    with pytest.raises(EnrolmentRefused):
        await records.enrol(EnrolmentToken.fresh(), KEY)
    replaced = await records.invite(N1, "eu", A_WHILE)
    latest = await records.invite(N1, "eu", A_WHILE)
    with pytest.raises(EnrolmentRefused):
        await records.enrol(replaced, KEY)
    await records.enrol(latest, KEY)
    await records.remove(N1)
    with pytest.raises(EnrolmentRefused):
        await records.enrol(latest, KEY)


async def test_a_name_is_free_again_once_its_node_was_removed(records: NodeRecords) -> None:
    await approved(records, N1)
    with pytest.raises(Conflict, match="remove it first"):
        await records.invite(N1, "eu", A_WHILE)
    await records.drain(N1, draining=True)
    await records.remove(N1)
    with pytest.raises(NotFound):
        await records.approve(N1)
    record = await records.enrol(await records.invite(N1, "us", A_WHILE), OTHER_KEY)
    assert (record.state, record.region, record.draining) == (NodeState.PENDING, "us", False)


# ── What replicas know ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_node_of_the_settings_is_believed_drains_and_can_not_be_removed(
    redis: Redis, migrated_database_url: str
) -> None:
    async with trusting(redis, migrated_database_url, {N1: KEY}) as (trust, records):
        assert (trust.keys, trust.state(N1), trust.region(N1)) == ({N1: KEY}, NodeState.STATIC, None)
        await records.drain(N1, draining=True, static=True)
        await announce(redis)
        await comes(trust, lambda: trust.draining == {N1})
        assert trust.keys == {N1: KEY}
        with pytest.raises(Conflict, match="NEXUSVIBE_TRUSTED_NODES"):
            await records.remove(N1)
        await records.drain(N1, draining=False)
        assert await records.all() == []
        with pytest.raises(NotFound):
            await records.drain(N2, draining=True)


@pytest.mark.faults
async def test_what_is_decided_while_redis_is_away_is_known_all_the_same(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/nexusvibe.db"
    await migrate(url)
    async with running_redis() as server, Redis.connect(server.url) as redis, trusting(redis, url) as (trust, records):
        await approved(records, N1)
        await announce(redis)
        await comes(trust, lambda: N1 in trust.keys)
        server.kill()
        await records.remove(N1)
        await comes(trust, lambda: N1 not in trust.keys)
        assert trust.removed == {N1}


@pytest.mark.faults
async def test_after_redis_came_back_empty_the_same_nodes_are_believed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/nexusvibe.db"
    await migrate(url)
    async with running_redis() as server, Redis.connect(server.url) as redis, trusting(redis, url) as (trust, records):
        await approved(records, N1)
        await approved(records, N2, OTHER_KEY)
        await records.remove(N2)
        await trust.load()
        back = asyncio.Event()
        redis.on_connected(back.set)
        await server.restart_empty()
        await asyncio.wait_for(back.wait(), 30)
        assert trust.keys == {N1: KEY}
        async with trusting(redis, url) as (fresh, _):
            assert dict(fresh.keys) == {N1: KEY}
            assert fresh.removed == {N2}


@pytest.mark.faults
async def test_while_the_database_is_away_the_same_nodes_are_believed(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust_module, "CHECK_S", 0.1)
    monkeypatch.setattr(trust_module, "RETRY_S", 0.1)
    with running_postgres() as server:
        await migrate(server.url)
        async with trusting(redis, server.url) as (trust, records):
            await approved(records, N1)
            await trust.load()
            server.kill()
            with pytest.raises(Unavailable):
                await trust.load()
            assert dict(trust.keys) == {N1: KEY}
            await announce(redis)
            server.start()
            await records.remove(N1)
            await comes(trust, lambda: N1 not in trust.keys)
