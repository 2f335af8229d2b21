"""Hands, attributes, mutes and hand-overs as everybody hears of them, over two replicas."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from control_plane.access.tokens import Grants, RoomTokens
from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import RoomStore
from control_plane.state import Redis
from tests.support.client import Client, RequestFailed, connected
from tests.support.inprocess import TOKEN_SECRET, LocalNode, LocalReplica, local_node, local_replica
from tests.support.offers import offer, track_id
from tests.support.redis import RedisTarget


@pytest.fixture
async def node(redis_target: RedisTarget) -> AsyncIterator[LocalNode]:
    async with local_node(redis_target, "n1") as node:
        yield node


@pytest.fixture
async def here(redis_target: RedisTarget, node: LocalNode) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "here", nodes=(node.id,)) as replica:
        yield replica


@pytest.fixture
async def there(redis_target: RedisTarget, here: LocalReplica) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "there", nodes=("n1",)) as replica:
        yield replica


def token(identity: str, **grants: Any) -> str:
    claims = {"room": "demo", "sub": identity, "name": identity, **grants}
    return RoomTokens(TOKEN_SECRET).mint(Grants.model_validate(claims))


async def hand_of(seen_by: Client, client: Client) -> int | None:
    participant = (await seen_by.hears("participant.updated"))["participant"]
    assert participant["id"] == client.id
    at: int | None = participant.get("hand_raised_at")
    return at


async def test_a_raised_hand_keeps_its_place_in_line_until_it_is_lowered(
    here: LocalReplica, there: LocalReplica
) -> None:
    async with connected(here.ws_url) as host, connected(there.ws_url) as ann:
        await host.join(token("host", moderate=True))
        await ann.join(token("ann"))
        await ann.asks("hand", raised=True)
        raised_at = await hand_of(host, ann)
        assert raised_at is not None
        await ann.asks("hand", raised=True)
        await ann.asks("chat", text="I have a question")
        await host.hears("chat.message")
        assert not [event for event in host.events if event["type"] == "participant.updated"]
        await host.asks("hand", raised=False, participant=ann.id)
        assert await hand_of(host, ann) is None


async def test_attributes_come_from_the_token_and_change_within_limits(here: LocalReplica, there: LocalReplica) -> None:
    async with connected(here.ws_url) as host, connected(there.ws_url) as ann:
        await host.join(token("host"))
        await ann.join(token("ann", attributes={"team": "red", "seat": "4"}, own_attributes=True))
        joined = (await host.hears("participant.joined"))["participant"]
        assert joined["attributes"] == {"team": "red", "seat": "4"}
        await ann.asks("attributes", attributes={"seat": None, "mood": "fine"})
        updated = (await host.hears("participant.updated"))["participant"]
        assert updated["attributes"] == {"team": "red", "mood": "fine"}
        with pytest.raises(RequestFailed, match="at most 16"):
            await ann.asks("attributes", attributes={f"n{number}": "" for number in range(15)})
        with pytest.raises(RequestFailed, match="invalid_request"):
            await ann.asks("attributes", attributes={"mood": "x" * 257})


async def test_what_a_moderator_mutes_is_silent_at_the_node_until_its_publisher_unmutes_it(
    node: LocalNode, here: LocalReplica, there: LocalReplica
) -> None:
    microphone, camera = track_id("ann", "microphone"), track_id("ann", "camera")
    async with connected(here.ws_url) as host, connected(there.ws_url) as ann:
        await host.join(token("host", moderate=True))
        await ann.join(token("ann"))
        await ann.asks("description", **offer("microphone", "camera", owner="ann"))
        await node.media.until(lambda: set(node.media.wanted.get(host.id, ())) == {microphone, camera})
        await host.asks("participant.mute", participant=ann.id, source="microphone")
        assert (await ann.hears("track.updated"))["track"]["muted"] is True
        await node.media.until(lambda: node.media.muted == {microphone})
        await ann.asks("track.update", track=microphone, muted=False)
        await node.media.until(lambda: not node.media.muted)

        await host.asks("participant.mute", participant=ann.id, track=camera, stop=True)
        assert (await ann.hears("track.ended"))["track"] == camera
        await node.media.until(lambda: node.media.muted == {camera} and node.media.wanted[host.id] == (microphone,))


async def test_a_track_that_was_stopped_stays_so_when_its_publisher_resumes(
    node: LocalNode, here: LocalReplica, there: LocalReplica
) -> None:
    camera = track_id("ann", "camera")
    async with connected(here.ws_url) as host, connected(there.ws_url) as ann, connected(here.ws_url) as again:
        await host.join(token("host", moderate=True))
        await ann.join(token("ann"))
        await ann.asks("description", **offer("camera", owner="ann"))
        await host.hears("track.published")
        await ann.drops()
        await host.asks("participant.mute", participant=ann.id, track=camera, stop=True)
        await again.resume(ann.resume_token)
        assert again.joined["snapshot"]["tracks"] == []
        await node.media.until(lambda: node.media.muted == {camera} and not node.media.wanted[host.id])


async def test_everybody_hears_who_moderates_after_the_last_moderator(
    redis: Redis, here: LocalReplica, there: LocalReplica
) -> None:
    async with connected(here.ws_url) as host, connected(there.ws_url) as ann, connected(here.ws_url) as bob:
        await host.join(token("host", moderate=True))
        await RoomStore(redis).set_policy(RoomId("demo"), RoomPolicy(hand_over="longest_present"))
        await ann.join(token("ann"))
        await bob.join(token("bob"))
        await host.asks("leave")
        assert (await bob.hears("moderator.changed"))["participant"] == ann.id
        await ann.hears("moderator.changed")
        await ann.asks("lock", locked=True)
        assert (await bob.hears("room.updated"))["policy"]["locked"] is True
