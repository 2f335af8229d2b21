"""What a collector of traces is sent of joins."""

import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from control_plane.metrics.tracing import wanted
from tests.control_plane.metrics.test_figures import offer
from tests.support.client import RequestFailed, connected
from tests.support.inprocess import LocalReplica, local_node, local_replica
from tests.support.otlp import Collector, running_collector
from tests.support.ports import reserved_port
from tests.support.redis import RedisTarget

on_one_redis = pytest.mark.parametrize("redis_target", ["plain"], indirect=True)

STEPS = ["verify token", "enter room", "place room", "reply", "wait for offer", "wait for answer", "wait for media"]


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    async with running_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


async def join_and_publish(replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice:
        await alice.join(replica.token("wedding-of-alice", "alice"))
        await alice.asks("description", **offer())
        await alice.asks("ready", epoch=1)


@on_one_redis
async def test_a_join_is_one_trace_from_the_request_to_the_first_media(
    redis_target: RedisTarget, collector: Collector
) -> None:
    async with local_node(redis_target, "n1"), local_replica(redis_target, "here", nodes=("n1",)) as replica:
        await join_and_publish(replica)
    (join,) = collector.named("join")
    steps = sorted((span for span in collector.spans if span is not join), key=lambda span: span.began)
    assert [step.name for step in steps] == STEPS
    assert {step.trace for step in steps} == {join.trace}
    assert {step.parent for step in steps} == {join.id}
    assert all(one.ended == next_one.began for one, next_one in pairwise(steps))
    assert (steps[0].began, steps[-1].ended) == (join.began, join.ended)
    assert join.attributes == {"nexusvibe.via": "signaling", "nexusvibe.node": "n1"}
    assert not join.failed
    assert (collector.resource["service.name"], collector.resource["service.instance.id"]) == ("nexusvibe", "here")


@on_one_redis
async def test_traces_tell_nothing_of_who_joined_where(redis_target: RedisTarget, collector: Collector) -> None:
    async with local_node(redis_target, "n1"), local_replica(redis_target, "here", nodes=("n1",)) as replica:
        await join_and_publish(replica)
    sent = b"".join(collector.raw)
    assert sent
    assert not [secret for secret in (b"wedding", b"alice", b"p_", b"127.0.0.1", b"v=0") if secret in sent]


@on_one_redis
async def test_a_join_that_was_refused_has_failed_for_its_reason(
    redis_target: RedisTarget, collector: Collector
) -> None:
    async with local_replica(redis_target, "here") as replica, connected(replica.ws_url) as alice:
        with pytest.raises(RequestFailed, match="no_capacity"):
            await alice.join(replica.token("wedding", "alice"))
    (join,) = collector.named("join")
    assert join.failed
    assert join.attributes["nexusvibe.outcome"] == "no_capacity"
    assert [span.name for span in collector.spans if span is not join] == STEPS[:2]


@on_one_redis
async def test_who_leaves_before_any_media_ends_the_trace_without_a_fault(
    redis_target: RedisTarget, collector: Collector
) -> None:
    async with (
        local_node(redis_target, "n1"),
        local_replica(redis_target, "here", nodes=("n1",)) as replica,
        connected(replica.ws_url) as alice,
    ):
        await alice.join(replica.token("wedding", "alice"))
        await alice.asks("leave")
    (join,) = collector.named("join")
    assert join.attributes["nexusvibe.outcome"] == "left"
    assert not join.failed


@on_one_redis
async def test_a_collector_that_is_away_keeps_nobody_from_joining(
    redis_target: RedisTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{reserved_port()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    async with local_node(redis_target, "n1"), local_replica(redis_target, "here", nodes=("n1",)) as replica:
        await join_and_publish(replica)
        assert replica.metrics.registry.get_sample_value("nexusvibe_join_seconds_count", {"via": "signaling"}) == 1


def test_traces_are_wanted_where_an_endpoint_is_named() -> None:
    assert not wanted({})
    assert wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})
    assert wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"})
    assert not wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"})


def test_a_replica_loads_no_exporter_before_one_is_wanted() -> None:
    program = "import sys, control_plane.app; sys.exit('opentelemetry.exporter' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
