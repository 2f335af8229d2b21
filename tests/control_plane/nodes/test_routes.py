"""The door for heartbeats: signed by a trusted node, newer than what is known, and nothing told to strangers."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from control_plane.clock import SystemClock
from control_plane.ids import NodeId
from control_plane.nodes.records import NodeRecords
from control_plane.nodes.redis_time import RedisTime
from control_plane.nodes.registry import NodeRegistry
from control_plane.nodes.routes import MAX_HEARTBEAT, HeartbeatRoute
from control_plane.nodes.store import NodeStore
from control_plane.nodes.trust import NodeTrust
from control_plane.state import Redis
from media_adapters.wire import (
    HEARTBEAT_PATH,
    HEARTBEAT_SCHEME,
    BadKey,
    Heartbeat,
    new_private_key,
    private_key,
    public_text,
    sign_heartbeat,
)
from media_adapters.wire.enrolment import TIME_HEADER
from media_adapters.wire.keys import signed, transcript
from tests.control_plane.nodes.reports import report
from tests.support.database import migrate
from tests.support.redis import running_redis
from tests.support.trust import trusting

KEY, OTHER_KEY = private_key(new_private_key()), private_key(new_private_key())
TRUSTED = {NodeId("n1"): public_text(KEY)}

Client = TestClient[web.Request, web.Application]


@dataclass
class Door:
    """One replica's way in for heartbeats."""

    client: Client
    registry: NodeRegistry
    trust: NodeTrust
    records: NodeRecords


@asynccontextmanager
async def door(redis: Redis, database_url: str) -> AsyncIterator[Door]:
    registry = NodeRegistry(redis)
    async with trusting(redis, database_url, TRUSTED) as (trust, records):
        route = HeartbeatRoute(registry.store, trust, RedisTime(redis, SystemClock()), lambda: registry.nodes)
        app = web.Application()
        app.router.add_post(HEARTBEAT_PATH, route.post)
        async with TestClient(TestServer(app)) as client:
            yield Door(client, registry, trust, records)


@pytest.fixture
async def database_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/nexusvibe.db"
    await migrate(url)
    return url


@pytest.fixture
async def here(redis: Redis, database_url: str) -> AsyncIterator[Door]:
    async with door(redis, database_url) as here:
        yield here


@pytest.fixture
def client(here: Door) -> Client:
    return here.client


async def send(client: Client, heartbeat: Heartbeat, *, key: object = KEY, spoil: bytes = b"") -> ClientResponse:
    body, authorization = sign_heartbeat(heartbeat, OTHER_KEY if key is OTHER_KEY else KEY)
    return await client.post(HEARTBEAT_PATH, data=body + spoil, headers={"Authorization": authorization})


async def problem(response: ClientResponse) -> tuple[int, str, str]:
    assert response.content_type == "application/problem+json"
    body = await response.json()
    assert body["status"] == response.status
    return response.status, body["code"], body["detail"]


async def test_a_signed_heartbeat_puts_the_node_on_the_list(client: Client, redis: Redis) -> None:
    response = await send(client, report("n1", streams=3))
    assert (response.status, await response.read()) == (204, b"")
    (node,) = (await NodeStore(redis).view()).nodes
    assert (node.id, node.load.streams) == ("n1", 3)


async def test_forged_unknown_old_and_broken_heartbeats_are_refused_alike(client: Client, redis: Redis) -> None:
    responses = [
        await send(client, report("n1"), key=OTHER_KEY),
        await send(client, report("stranger")),
        await send(client, report("n1"), spoil=b" "),
        await client.post(HEARTBEAT_PATH, data=b"\xff{"),
        await client.post(HEARTBEAT_PATH),
    ]
    assert {await problem(response) for response in responses} == {
        (401, "invalid_heartbeat", "The heartbeat is not accepted.")
    }
    assert (await NodeStore(redis).view()).nodes == ()


async def test_a_replayed_heartbeat_is_refused_and_changes_nothing(client: Client, redis: Redis) -> None:
    old = report("n1", streams=1)
    await send(client, old)
    await send(client, report("n1", streams=2))
    with capture_logs() as logs:
        assert (await problem(await send(client, old)))[:2] == (409, "stale_heartbeat")
    assert logs[0]["event"] == "heartbeat_refused"
    assert (await NodeStore(redis).view()).nodes[0].load.streams == 2


async def test_an_oversized_body_is_not_read(client: Client) -> None:
    response = await client.post(HEARTBEAT_PATH, data=b"x" * (MAX_HEARTBEAT + 1))
    assert response.status == 413


@pytest.mark.faults
async def test_without_redis_the_node_is_told_to_try_again(database_url: str) -> None:
    async with running_redis() as server, Redis.connect(server.url) as redis, door(redis, database_url) as here:
        server.kill()
        assert (await problem(await send(here.client, report("n1"))))[:2] == (503, "unavailable")


async def test_a_trusted_key_that_is_none_is_found_at_start(redis: Redis, database_url: str) -> None:
    with pytest.raises(BadKey):
        async with trusting(redis, database_url, {NodeId("n1"): "not a key"}):
            pass


# ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shift_ms", [-600_000, 600_000])
async def test_a_heartbeat_of_another_time_is_refused_and_told_what_time_it_is(client: Client, shift_ms: int) -> None:
    now = report("n1")
    response = await send(client, now.model_copy(update={"time_ms": now.time_ms + shift_ms}))
    assert (await problem(response))[:2] == (401, "wrong_time")
    assert abs(int(response.headers[TIME_HEADER]) - now.time_ms) < 60_000


# ── Lies ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "lie",
    [
        {"load": {"rooms": 1, "peers": 1, "streams": -5}},
        {"load": {"rooms": -1}},
        {"load": {"rooms": 1, "streams": 5}},
        {"load": {"cpu": -1.0}},
        {"capacity": 0},
        {"capacity": -10},
        {"capacity": 10**9},
        {"url": "http://169.254.169.254/latest"},
        {"region": "e" * 65},
        {"warnings": ["w"] * 100},
        {"certificate": "none"},
    ],
)
async def test_what_no_node_can_be_is_refused_though_it_is_signed(client: Client, lie: dict[str, object]) -> None:
    body = report("n1").model_dump(mode="json") | lie
    response = await send_raw(client, body)
    assert (await problem(response))[:2] == (401, "invalid_heartbeat")


async def send_raw(client: Client, body: dict[str, object]) -> ClientResponse:
    """Signed by n1, whatever it says."""
    raw = json.dumps(body).encode()
    signature = signed(KEY, transcript("nexusvibe.node.v1 heartbeat", raw))
    return await client.post(HEARTBEAT_PATH, data=raw, headers={"Authorization": f"{HEARTBEAT_SCHEME} {signature}"})


# ── Nodes that enrolled ─────────────────────────────────────────────────────────────────────────────────────────────


async def enrolled(here: Door, node: str, region: str = "eu") -> None:
    token = await here.records.invite(NodeId(node), region, timedelta(minutes=15))
    await here.records.enrol(token, public_text(KEY))
    await here.trust.load()


async def test_a_node_is_believed_from_its_approval_to_its_removal(here: Door, redis: Redis) -> None:
    n2 = NodeId("n2")
    await enrolled(here, n2)
    assert (await problem(await send(here.client, report("n2"))))[:2] == (403, "node_pending")
    await here.records.approve(n2)
    await here.trust.load()
    assert (await send(here.client, report("n2"))).status == 204
    await here.records.remove(n2)
    await here.trust.load()
    with capture_logs() as logs:
        assert (await problem(await send(here.client, report("n2"))))[:2] == (403, "node_removed")
    assert (logs[0]["node"], logs[0]["reason"]) == ("n2", "an operator has removed it")


async def test_a_node_can_not_move_to_another_region_or_speak_for_another_node(here: Door, redis: Redis) -> None:
    await enrolled(here, "n2", "eu")
    await here.records.approve(NodeId("n2"))
    await here.trust.load()
    with capture_logs() as logs:
        moved = await send(here.client, report("n2", region="us"))
        assert (await problem(moved))[:2] == (403, "other_region")
        assert logs[-1]["reason"] == "it says another region than the one that it enrolled for"
        lied = await send(here.client, report("n3"))
        assert (await problem(lied))[:2] == (401, "invalid_heartbeat")
    assert (await NodeStore(redis).view()).nodes == ()


# ── Two agents with one key ─────────────────────────────────────────────────────────────────────────────────────────


def started(at: int) -> Heartbeat:
    return report("n1").model_copy(update={"started_at": at})


async def test_of_two_agents_with_one_key_the_one_started_last_is_believed_and_there_is_an_alarm(here: Door) -> None:
    assert (await send(here.client, started(1000))).status == 204
    assert (await send(here.client, started(2000))).status == 204  # so does a restart
    with capture_logs() as logs:
        assert (await problem(await send(here.client, started(1000))))[:2] == (409, "another_agent")
    assert [(line["event"], line["log_level"], line["node"]) for line in logs] == [
        ("two_agents_with_one_key", "error", "n1")
    ]
    assert (await send(here.client, started(2000))).status == 204
    assert (await problem(await send(here.client, started(1000))))[:2] == (409, "another_agent")


async def test_two_agents_that_report_to_different_replicas_are_noticed_too(
    here: Door, redis: Redis, database_url: str
) -> None:
    async with door(redis, database_url) as there:
        statuses = []
        for _ in range(3):
            statuses.append((await send(here.client, started(1000))).status)
            await there.registry.refresh()
            statuses.append((await send(there.client, started(2000))).status)
            await here.registry.refresh()
    assert statuses[:2] == [204, 204]
    assert statuses[-2:] == [409, 204]
