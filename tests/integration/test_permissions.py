"""Who may do what in a room, over real websockets and two replicas; the media node records what it is told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from control_plane.access.tokens import Grants, RoomTokens
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


async def refusal(client: Client, kind: str, fields: dict[str, Any]) -> str | None:
    """The code that the request is refused with, None when it is done."""
    try:
        await client.asks(kind, **fields)
    except RequestFailed as error:
        return error.code
    return None


async def test_everybody_sees_what_somebody_may_do(here: LocalReplica) -> None:
    async with connected(here.ws_url) as alice:
        await alice.join(token("alice", publish=["microphone"], moderate=True))
        assert alice.joined["participant"]["permissions"] == {
            "publish": ["microphone"], "subscribe": True, "chat": True, "moderate": True, "hidden": False,
            "own_attributes": False,
        }  # fmt: skip


async def test_a_source_that_is_taken_away_ends_at_once_and_at_the_node_and_may_come_back(
    node: LocalNode, here: LocalReplica, there: LocalReplica
) -> None:
    async with connected(here.ws_url) as alice, connected(there.ws_url) as bob:
        await alice.join(token("alice"))
        await bob.join(token("bob", moderate=True))
        await alice.asks("description", **offer("microphone", "camera"))
        microphone, camera = track_id("alice", "microphone"), track_id("alice", "camera")
        await node.media.until(lambda: set(node.media.wanted.get(bob.id, ())) == {microphone, camera})

        await bob.asks("permissions", participant=alice.id, publish=["microphone"])
        updated = await alice.hears("participant.updated")
        assert updated["participant"]["permissions"]["publish"] == ["microphone"]
        assert (await bob.hears("track.ended"))["track"] == camera
        await node.media.until(lambda: node.media.muted == {camera} and node.media.wanted[bob.id] == (microphone,))
        assert await refusal(alice, "description", offer("microphone", "screen", negotiation=2)) == "not_allowed"
        assert await refusal(alice, "track.update", {"track": microphone, "source": "screen_audio"}) == "not_allowed"
        assert await refusal(alice, "description", offer("microphone", "camera", negotiation=3)) is None

        bob.events.clear()
        await bob.asks("permissions", participant=alice.id, publish=["microphone", "camera"])
        assert (await bob.hears("track.published"))["track"]["id"] == camera
        await node.media.until(lambda: not node.media.muted and set(node.media.wanted[bob.id]) == {microphone, camera})


async def test_who_loses_every_source_and_resumes_elsewhere_stays_silent(
    node: LocalNode, here: LocalReplica, there: LocalReplica
) -> None:
    async with connected(here.ws_url) as alice, connected(there.ws_url) as bob, connected(there.ws_url) as again:
        await alice.join(token("alice"))
        await bob.join(token("bob", moderate=True))
        await alice.asks("description", **offer("camera"))
        await bob.hears("track.published")
        await alice.drops()
        await bob.asks("permissions", participant=alice.id, publish=[])
        await bob.hears("track.ended")
        await again.resume(alice.resume_token)
        assert again.joined["participant"]["permissions"]["publish"] == []
        await node.media.until(lambda: node.media.muted == {track_id("alice", "camera")})
        assert again.joined["snapshot"]["tracks"] == []
        await node.media.until(lambda: not node.media.wanted.get(bob.id))


async def test_who_may_not_subscribe_any_more_is_sent_nothing(
    node: LocalNode, here: LocalReplica, there: LocalReplica
) -> None:
    async with connected(here.ws_url) as alice, connected(there.ws_url) as bob, connected(here.ws_url) as deaf:
        await alice.join(token("alice"))
        await bob.join(token("bob", moderate=True))
        await deaf.join(token("deaf", subscribe=False))
        await alice.asks("description", **offer("microphone"))
        await node.media.until(lambda: len(node.media.wanted.get(bob.id, ())) == 1)
        await bob.asks("permissions", participant=bob.id, subscribe=False)
        await node.media.until(lambda: node.media.wanted[bob.id] == ())
        assert not node.media.wanted.get(deaf.id)
        await bob.asks("permissions", participant=bob.id, subscribe=True)
        await node.media.until(lambda: len(node.media.wanted[bob.id]) == 1)


async def test_who_loses_moderation_loses_it_at_once(here: LocalReplica, there: LocalReplica) -> None:
    async with connected(here.ws_url) as alice, connected(there.ws_url) as bob:
        await alice.join(token("alice", moderate=True))
        await bob.join(token("bob", moderate=True))
        await alice.asks("permissions", participant=bob.id, moderate=False)
        assert await refusal(bob, "permissions", {"participant": alice.id, "moderate": False}) == "not_allowed"


async def test_nothing_of_hidden_people_is_forwarded_and_moderators_can_not_probe_for_them(
    node: LocalNode, here: LocalReplica
) -> None:
    async with connected(here.ws_url) as alice, connected(here.ws_url) as ghost:
        await alice.join(token("alice", moderate=True))
        await ghost.join(token("ghost", hidden=True))
        await ghost.asks("description", **offer("camera", owner="ghost"))
        await ghost.hears("track.published")
        assert await refusal(alice, "permissions", {"participant": ghost.id, "chat": False}) == "not_found"
        assert not node.media.wanted.get(alice.id)
