"""A node whose clock is ten minutes off: it says so, and works, for its heartbeats are of the control plane's time."""

import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from control_plane.ids import NodeId
from control_plane.nodes.store import NodeStore
from media_adapters.agent.heartbeat import Heartbeats
from media_adapters.agent.preflight import control_time
from media_adapters.wire import private_key
from tests.media_adapters.agent.test_heartbeat import Sfu
from tests.support.inprocess import NODE_PEM, LocalReplica, local_replica
from tests.support.recorder import DESCRIPTION
from tests.support.redis import RedisTarget

TEN_MINUTES = 600.0


@pytest.fixture
async def replica(redis_target: RedisTarget) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "one", nodes=("n1",)) as replica:
        yield replica


async def beats(replica: LocalReplica, clock_off: float, ahead: float, times: int) -> list[str]:
    """Events of the log while so many heartbeats are sent by a machine whose clock is off by so many seconds."""
    left = times

    async def pause(_: float) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise TimeoutError

    heartbeats = Heartbeats(
        node=NodeId("n1"), url="ws://127.0.0.1:7800/rpc/v1", region="eu", capacity=100, key=private_key(NODE_PEM),
        control_urls=(replica.url,), interval=0.1, load=Sfu().load, pause=pause,
        clock=lambda: time.time() + clock_off, ahead=ahead,
    )  # fmt: skip
    heartbeats.sfu_up(DESCRIPTION)
    with capture_logs() as logs, pytest.raises(TimeoutError):
        await heartbeats.run()
    return [line["event"] for line in logs]


@pytest.mark.parametrize("off", [-TEN_MINUTES, TEN_MINUTES])
async def test_the_difference_is_told_at_the_start_and_the_first_heartbeat_is_taken(
    replica: LocalReplica, redis_target: RedisTarget, off: float
) -> None:
    with capture_logs() as logs:
        ahead = await control_time((replica.url,), lambda: time.time() + off)
    assert abs(ahead + off) < 30
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["clock_differs"]
    assert "heartbeat_refused" not in await beats(replica, off, ahead, times=2)
    async with redis_target.connect() as redis:
        view = await NodeStore(redis).view()
    assert abs(view.nodes[0].started_at - view.redis_ms) < 60_000


@pytest.mark.parametrize("off", [-TEN_MINUTES, TEN_MINUTES])
async def test_who_could_not_ask_at_the_start_learns_the_time_from_the_first_refusal(
    replica: LocalReplica, redis_target: RedisTarget, off: float
) -> None:
    events = await beats(replica, off, 0.0, times=3)
    assert events.count("heartbeat_refused") == 1
    assert events.count("clock_differs") == 1
    async with redis_target.connect() as redis:
        assert [node.id for node in (await NodeStore(redis).view()).nodes] == ["n1"]


async def test_a_control_plane_that_can_not_be_asked_keeps_no_node_from_starting() -> None:
    assert await control_time(("http://127.0.0.1:9",)) == 0.0
