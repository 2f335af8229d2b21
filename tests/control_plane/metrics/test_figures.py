"""What a replica is scraped for, after people did things on it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from control_plane.ids import RoomId
from control_plane.metrics.figures import Metrics
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import RoomStore
from media_adapters.events import ConnectionChanged
from media_adapters.models import PeerConnectionRole
from tests.support.client import RequestFailed, connected
from tests.support.inprocess import LocalNode, LocalReplica, local_node, local_replica
from tests.support.redis import RedisTarget
from tests.support.whip import http

pytestmark = pytest.mark.parametrize("redis_target", ["plain"], indirect=True)

MICROPHONE = {"id": "t_microphone1", "mid": "0", "kind": "audio", "source": "microphone"}
SDP = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
    "a=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n"
)


class Figures:
    """What one replica would say now."""

    def __init__(self, metrics: Metrics) -> None:
        self._registry = metrics.registry

    def of(self, name: str, **labels: str) -> float | None:
        return self._registry.get_sample_value(name, labels)

    async def until(self, holds: Callable[[], bool]) -> None:
        """What is asked for may follow from a message that is under way."""
        async with asyncio.timeout(20):
            while not holds():  # noqa: ASYNC110 - figures tell nobody that they change
                await asyncio.sleep(0.02)


@pytest.fixture
async def node(redis_target: RedisTarget) -> AsyncIterator[LocalNode]:
    async with local_node(redis_target, "n1", capacity=100) as node:
        yield node


@pytest.fixture
async def replica(redis_target: RedisTarget, node: LocalNode) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "here", nodes=("n1",)) as replica:
        yield replica


@pytest.fixture
def figures(replica: LocalReplica) -> Figures:
    return Figures(replica.metrics)


def offer() -> dict[str, Any]:
    description = {"type": "offer", "sdp": SDP}
    return {"epoch": 1, "pc": "publisher", "negotiation": 1, "description": description, "tracks": [MICROPHONE]}


async def test_a_join_is_measured_until_its_first_media_and_no_further(replica: LocalReplica, figures: Figures) -> None:
    async with connected(replica.ws_url) as alice:
        await alice.join(replica.token("wedding", "alice"))
        assert figures.of("nexusvibe_join_seconds_count", via="signaling") == 1
        assert figures.of("nexusvibe_joins_total", via="signaling", outcome="joined") == 1
        assert figures.of("nexusvibe_first_media_seconds_count", via="signaling") == 0
        await alice.asks("ready", epoch=1)
        await alice.asks("ready", epoch=1)
    assert figures.of("nexusvibe_first_media_seconds_count", via="signaling") == 1
    took = figures.of("nexusvibe_join_seconds_sum", via="signaling")
    assert took
    assert took < (figures.of("nexusvibe_first_media_seconds_sum", via="signaling") or 0)


async def test_a_join_that_is_refused_counts_by_its_reason(replica: LocalReplica, figures: Figures) -> None:
    async with connected(replica.ws_url) as stranger:
        with pytest.raises(RequestFailed):
            await stranger.join("forged")
    assert figures.of("nexusvibe_joins_total", via="signaling", outcome="invalid_token") == 1
    assert figures.of("nexusvibe_errors_total", where="signaling", code="invalid_token") == 1
    assert figures.of("nexusvibe_join_seconds_count", via="signaling") == 0


async def test_who_waits_in_the_lobby_has_not_joined(redis_target: RedisTarget, replica: LocalReplica) -> None:
    figures = Figures(replica.metrics)
    async with redis_target.connect() as redis, connected(replica.ws_url) as alice, connected(replica.ws_url) as bob:
        await alice.join(replica.token("wedding", "alice"))
        await RoomStore(redis).set_policy(RoomId("wedding"), RoomPolicy(lobby=True))
        await bob.join(replica.token("wedding", "bob"))
        assert figures.of("nexusvibe_joins_total", via="signaling", outcome="lobby") == 1
        assert figures.of("nexusvibe_participants", via="signaling", state="lobby") == 1
        assert figures.of("nexusvibe_join_seconds_count", via="signaling") == 1


async def test_rooms_people_and_tracks_are_those_that_are_here(replica: LocalReplica, figures: Figures) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as bob:
        await alice.join(replica.token("wedding", "alice"))
        await bob.join(replica.token("wedding", "bob"))
        await alice.asks("description", **offer())
        await bob.hears("track.published")
        assert figures.of("nexusvibe_rooms_held") == 1
        await figures.until(lambda: figures.of("nexusvibe_rooms") == 1)  # a driver's first look is within a second
        assert figures.of("nexusvibe_participants", via="signaling", state="in_room") == 2
        assert figures.of("nexusvibe_tracks", kind="audio", source="microphone") == 1
        assert figures.of("nexusvibe_connections") == 2
        assert figures.of("nexusvibe_requests_total", type="join") == 2
        await alice.asks("leave")
        await bob.asks("leave")
    assert figures.of("nexusvibe_rooms_held") == 0
    await figures.until(lambda: figures.of("nexusvibe_rooms") == 0)
    await figures.until(lambda: figures.of("nexusvibe_connections") == 0)


async def test_who_publishes_by_http_is_told_apart(replica: LocalReplica, node: LocalNode, figures: Figures) -> None:
    async with http() as encoder:
        response = await encoder.post(replica.url, replica.token("wedding", "obs"))
        assert response.status == 201
        assert figures.of("nexusvibe_joins_total", via="http", outcome="joined") == 1
        assert figures.of("nexusvibe_participants", via="http", state="in_room") == 1
        ((_, peers),) = node.media.rooms.items()
        (peer,) = peers
        node.media.emit(ConnectionChanged(peer=peer, pc=PeerConnectionRole.PUBLISHER, connected=True, receiving=True))
        await figures.until(lambda: figures.of("nexusvibe_first_media_seconds_count", via="http") == 1)


async def test_a_resume_counts_and_so_does_one_that_is_refused(replica: LocalReplica, figures: Figures) -> None:
    async with (
        connected(replica.ws_url) as alice,
        connected(replica.ws_url) as again,
        connected(replica.ws_url) as late,
    ):
        await alice.join(replica.token("wedding", "alice"))
        await again.resume(alice.resume_token)
        with pytest.raises(RequestFailed):
            await late.resume("wedding:p_nobody:nothing")
    assert figures.of("nexusvibe_resumes_total", outcome="ok") == 1
    assert figures.of("nexusvibe_resumes_total", outcome="resume_refused") == 1


async def test_a_choice_tells_why_nodes_were_out_of_the_question(redis_target: RedisTarget) -> None:
    async with (
        local_node(redis_target, "n1", capacity=100),
        local_node(redis_target, "small", capacity=1),
        local_replica(redis_target, "here", nodes=("n1", "small")) as replica,
        connected(replica.ws_url) as alice,
    ):
        figures = Figures(replica.metrics)
        await alice.join(replica.token("wedding", "alice"))
        assert figures.of("nexusvibe_selections_total", node="n1") == 1
        assert figures.of("nexusvibe_selection_rejections_total", reason="full") == 1
        assert figures.of("nexusvibe_selections_refused_total") == 0


async def test_a_choice_that_came_to_nothing_counts(redis_target: RedisTarget) -> None:
    async with (
        local_node(redis_target, "n1", capacity=1),
        local_replica(redis_target, "here", nodes=("n1",)) as replica,
        connected(replica.ws_url) as bob,
    ):
        figures = Figures(replica.metrics)
        with pytest.raises(RequestFailed, match="no_capacity"):
            await bob.join(replica.token("wedding", "bob"))
        assert figures.of("nexusvibe_selections_refused_total") == 1
        assert figures.of("nexusvibe_joins_total", via="signaling", outcome="no_capacity") == 1


async def test_each_node_shows_its_state_and_what_it_carries(replica: LocalReplica, figures: Figures) -> None:
    node = {"node": "n1", "region": ""}
    assert figures.of("nexusvibe_node_state", **node, state="up") == 1
    assert figures.of("nexusvibe_node_state", **node, state="lost") == 0
    assert figures.of("nexusvibe_node_capacity_streams", **node) == 100
    assert figures.of("nexusvibe_node_streams", **node) == 0
    assert figures.of("nexusvibe_node_info", **node, backend="recorder", version="1") == 1
    async with connected(replica.ws_url) as alice:
        await alice.join(replica.token("wedding", "alice"))
        await figures.until(lambda: (figures.of("nexusvibe_node_reserved_streams", **node) or 0) > 0)
        await figures.until(lambda: figures.of("nexusvibe_node_connected", node="n1") == 1)


async def test_a_node_that_is_not_heard_any_more_is_not_up(redis_target: RedisTarget) -> None:
    node = {"node": "n1", "region": ""}
    async with local_replica(redis_target, "here", nodes=("n1",)) as replica:
        figures = Figures(replica.metrics)
        async with local_node(redis_target, "n1"):
            await figures.until(lambda: figures.of("nexusvibe_node_state", **node, state="up") == 1)
        await figures.until(lambda: figures.of("nexusvibe_node_state", **node, state="up") == 0)
        away = [figures.of("nexusvibe_node_state", **node, state=state) for state in ("silent", "lost")]
        assert away in ([1, 0], [0, 1]), "it is silent first, and then soon taken for lost"
        assert figures.of("nexusvibe_available", part="media_node") == 0
        assert figures.of("nexusvibe_ready") == 0


async def test_a_message_between_replicas_is_timed_each_second(replica: LocalReplica, figures: Figures) -> None:
    await figures.until(lambda: (figures.of("nexusvibe_delivery_seconds_count") or 0) >= 2)
    assert (figures.of("nexusvibe_delivery_seconds_sum") or 0) > 0


async def test_what_strangers_ask_for_over_http_makes_no_new_series(replica: LocalReplica, figures: Figures) -> None:
    async with aiohttp.ClientSession() as session:
        for number in range(3):
            async with session.post(f"{replica.url}/secret/{number}") as response:
                assert response.status == 404
        async with session.get(f"{replica.url}/v1/rooms/wedding") as response:
            assert response.status == 401
        async with session.get(f"{replica.url}/metrics") as response:
            assert response.status == 404
    assert figures.of("nexusvibe_http_requests_total", route="unknown", method="unknown", status="404") == 4
    route = {"route": "/v1/rooms/{room}", "method": "GET", "status": "401"}
    assert figures.of("nexusvibe_http_requests_total", **route) == 1
    assert figures.of("nexusvibe_errors_total", where="http", code="invalid_key") == 1
