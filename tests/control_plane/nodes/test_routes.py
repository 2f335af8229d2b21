"""The door for heartbeats: signed by a trusted node, newer than what is known, and nothing told to strangers."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from control_plane.ids import NodeId
from control_plane.nodes.routes import MAX_HEARTBEAT, HeartbeatRoute
from control_plane.nodes.store import NodeStore
from control_plane.state import Redis
from media_adapters.wire import (
    HEARTBEAT_PATH,
    BadKey,
    Heartbeat,
    new_private_key,
    private_key,
    public_text,
    sign_heartbeat,
)
from tests.control_plane.nodes.reports import report
from tests.support.redis import running_redis

KEY, OTHER_KEY = private_key(new_private_key()), private_key(new_private_key())
TRUSTED = {NodeId("n1"): public_text(KEY)}

Client = TestClient[web.Request, web.Application]


def door(store: NodeStore) -> Client:
    app = web.Application()
    app.router.add_post(HEARTBEAT_PATH, HeartbeatRoute(store, TRUSTED).post)
    return TestClient(TestServer(app))


@pytest.fixture
async def client(redis: Redis) -> AsyncIterator[Client]:
    async with door(NodeStore(redis)) as client:
        yield client


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
    aged = report("n1").model_copy(update={"time_ms": report("n1").time_ms - 3_600_000})
    responses = [
        await send(client, report("n1"), key=OTHER_KEY),
        await send(client, report("stranger")),
        await send(client, report("n1"), spoil=b" "),
        await send(client, aged),
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
async def test_without_redis_the_node_is_told_to_try_again() -> None:
    async with running_redis() as server, Redis.connect(server.url) as redis, door(NodeStore(redis)) as client:
        server.kill()
        assert (await problem(await send(client, report("n1"))))[:2] == (503, "unavailable")


async def test_a_trusted_key_that_is_none_is_found_at_start(redis: Redis) -> None:
    with pytest.raises(BadKey):
        HeartbeatRoute(NodeStore(redis), {NodeId("n1"): "not a key"})
