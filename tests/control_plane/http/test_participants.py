"""People in rooms over REST: the replica that is asked is never the one that they are connected to."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from control_plane.signaling.messages import CloseCode
from tests.control_plane.http.conftest import ApiClient
from tests.support.client import Client, RequestFailed, connected
from tests.support.inprocess import LocalNode, LocalReplica, local_node, local_replica
from tests.support.offers import offer, track_id
from tests.support.redis import RedisTarget

PEOPLE = "/v1/rooms/demo/participants"


@pytest.fixture
async def node(redis_target: RedisTarget) -> AsyncIterator[LocalNode]:
    async with local_node(redis_target, "n1") as node:
        yield node


@pytest.fixture
async def here(redis_target: RedisTarget, node: LocalNode, migrated_database_url: str) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "here", (node.id,), migrated_database_url) as replica:
        yield replica


@pytest.fixture
async def api(redis_target: RedisTarget, here: LocalReplica, migrated_database_url: str) -> AsyncIterator[ApiClient]:
    async with (
        local_replica(redis_target, "there", ("n1",), migrated_database_url) as there,
        aiohttp.ClientSession() as session,
    ):
        yield ApiClient(session, there.url, await there.api_key())


@pytest.fixture
async def ann(here: LocalReplica) -> AsyncIterator[Client]:
    async with connected(here.ws_url) as client:
        yield await client.join(here.token("demo", "ann"))


@pytest.fixture
async def ben(here: LocalReplica, ann: Client) -> AsyncIterator[Client]:
    async with connected(here.ws_url) as client:
        yield await client.join(here.token("demo", "ben"))


async def publishes(client: Client, *sources: str) -> None:
    await client.asks("description", **offer(*sources))
    for _ in sources:
        await client.hears("track.published")


async def test_people_are_listed_page_by_page_hidden_ones_too(api: ApiClient, here: LocalReplica, ann: Client) -> None:
    async with connected(here.ws_url) as ghost, connected(here.ws_url) as cat:
        await ghost.join(here.token("demo", "ghost", hidden=True))
        await cat.join(here.token("demo", "cat"))
        await publishes(ann, "microphone")
        seen, after = [], ""
        while after is not None:
            page = (await api.asks("GET", f"{PEOPLE}?limit=1{f'&after={after}' if after else ''}")).body
            seen += page["participants"]
            after = page["next"]
        assert {each["identity"] for each in seen} == {"ann", "ghost", "cat"}
        found = (await api.asks("GET", f"{PEOPLE}?identity=ann")).body["participants"]
        assert [each["id"] for each in found] == [ann.id]
        assert [track["source"] for track in found[0]["tracks"]] == ["microphone"]
        assert (await api.asks("GET", f"{PEOPLE}/{ann.id}")).body == found[0]


async def test_a_source_is_muted_everywhere_and_its_publisher_may_unmute_it(
    api: ApiClient, node: LocalNode, ann: Client, ben: Client
) -> None:
    await publishes(ann, "microphone", "camera")
    microphone = track_id("alice", "microphone")
    assert (await api.asks("POST", f"{PEOPLE}/{ann.id}/mute", {"source": "microphone"})).status == 204
    assert (await ben.hears("track.updated"))["track"]["muted"] is True
    assert (await ann.hears("track.updated"))["track"]["id"] == microphone
    await node.media.until(lambda: node.media.muted == {microphone})
    await ann.asks("track.update", track=microphone, muted=False)
    await node.media.until(lambda: not node.media.muted)
    assert (await api.asks("POST", f"{PEOPLE}/{ann.id}/tracks/{microphone}/mute")).status == 204
    await node.media.until(lambda: node.media.muted == {microphone})
    assert (await api.asks("POST", f"{PEOPLE}/{ann.id}/mute", {"source": "screen"})).code == "not_found"
    assert (await api.asks("POST", f"{PEOPLE}/{ann.id}/tracks/t_nobodys/mute")).code == "not_found"
    for wrong in ({}, {"source": "nose"}):
        assert (await api.asks("POST", f"{PEOPLE}/{ann.id}/mute", wrong)).code == "invalid_request"


async def test_a_stopped_track_ends_for_everybody_and_does_not_come_back(
    api: ApiClient, node: LocalNode, ann: Client, ben: Client
) -> None:
    await publishes(ann, "microphone", "camera")
    camera = track_id("alice", "camera")
    await node.media.until(lambda: camera in node.media.wanted.get(ben.id, ()))
    assert (await api.asks("DELETE", f"{PEOPLE}/{ann.id}/tracks/{camera}")).status == 204
    for client in (ann, ben):
        assert (await client.hears("track.ended"))["track"] == camera
    await node.media.until(lambda: node.media.wanted[ben.id] == (track_id("alice", "microphone"),))
    assert (await api.asks("DELETE", f"{PEOPLE}/{ann.id}/tracks/{camera}")).code == "not_found"


async def test_what_somebody_may_do_changes_at_once_and_at_the_node(
    api: ApiClient, node: LocalNode, ann: Client, ben: Client
) -> None:
    await publishes(ann, "microphone", "camera")
    url = f"{PEOPLE}/{ann.id}/permissions"
    tag = (await api.asks("GET", url)).headers["ETag"]
    changed = await api.asks("PATCH", url, {"publish": ["microphone"], "chat": False}, If_Match=tag)
    assert (changed.body["publish"], changed.body["chat"], changed.body["subscribe"]) == (["microphone"], False, True)
    assert (await ben.hears("track.ended"))["track"] == track_id("alice", "camera")
    await node.media.until(lambda: node.media.muted == {track_id("alice", "camera")})
    with pytest.raises(RequestFailed, match="not_allowed"):
        await ann.asks("chat", text="hello")
    assert (await api.asks("PATCH", url, {"hidden": True}, If_Match="*")).code == "invalid_request"


async def test_attributes_of_a_participant_are_told_to_everybody(api: ApiClient, ann: Client, ben: Client) -> None:
    url = f"{PEOPLE}/{ann.id}/attributes"
    assert (await api.asks("PATCH", url, {"attributes": {"seat": "7"}}, If_Match="*")).body == {
        "attributes": {"seat": "7"}
    }
    assert (await ben.hears("participant.updated"))["participant"]["attributes"] == {"seat": "7"}
    assert (await api.asks("PATCH", url, {"attributes": {"seat": None}}, If_Match="*")).body == {"attributes": {}}


async def test_who_waits_is_let_in_or_sent_away(api: ApiClient, here: LocalReplica) -> None:
    await api.asks("POST", "/v1/rooms", {"room": "demo", "policy": {"lobby": True}})
    async with connected(here.ws_url) as ann, connected(here.ws_url) as ben:
        await ann.join(here.token("demo", "ann"))
        await ben.join(here.token("demo", "ben"))
        waiting = (await api.asks("GET", PEOPLE)).body["participants"]
        assert {each["state"] for each in waiting} == {"waiting"}
        assert (await api.asks("GET", "/v1/rooms/demo")).body["live"]["waiting"] == 2
        ids = {each["identity"]: each["id"] for each in waiting}
        assert (await api.asks("POST", f"{PEOPLE}/{ids['ann']}/admit")).status == 204
        assert (await api.asks("POST", f"{PEOPLE}/{ids['ben']}/deny")).status == 204
        assert await ben.is_closed() == CloseCode.ENDED
        people = (await api.asks("GET", PEOPLE)).body["participants"]
        assert [(each["identity"], each["state"]) for each in people] == [("ann", "connected")]
        assert (await api.asks("POST", f"{PEOPLE}/{ids['ann']}/admit")).code == "not_found"


async def test_a_hand_is_lowered(api: ApiClient, ann: Client, ben: Client) -> None:
    await ann.asks("hand", raised=True)
    assert (await api.asks("GET", f"{PEOPLE}/{ann.id}")).body["hand_raised_at"] > 0
    for _ in range(2):
        assert (await api.asks("DELETE", f"{PEOPLE}/{ann.id}/hand")).status == 204
    assert (await api.asks("GET", f"{PEOPLE}/{ann.id}")).body["hand_raised_at"] is None


async def test_who_is_kicked_is_out_at_once_and_the_kick_can_be_taken_back(
    api: ApiClient, node: LocalNode, here: LocalReplica, ann: Client
) -> None:
    await publishes(ann, "camera")
    assert (await api.asks("POST", f"{PEOPLE}/{ann.id}/kick", {"reason": "noise"})).status == 204
    assert await ann.is_closed() == CloseCode.ENDED
    await node.media.until(lambda: not any(node.media.rooms.values()))
    async with connected(here.ws_url) as again:
        with pytest.raises(RequestFailed, match=r"kicked.*noise"):
            await again.join(here.token("demo", "ann"))
        (held,) = (await api.asks("GET", "/v1/rooms/demo/bans?identity=ann")).body["bans"]
        assert (held["kind"], held["reason"], held["created_by"]) == ("kick", "noise", f"key:{api.key.split('_')[1]}")
        assert (await api.asks("DELETE", f"/v1/rooms/demo/bans/{held['id']}")).status == 204
        await again.join(here.token("demo", "ann"))
    assert (await api.asks("DELETE", f"/v1/rooms/demo/bans/{held['id']}")).code == "not_found"


async def test_an_identity_is_banned_also_before_it_comes_and_a_ban_sent_twice_is_one(
    api: ApiClient, here: LocalReplica, ann: Client
) -> None:
    wish = {"identity": "ann", "for_s": 3600.0}
    first, again = await asyncio.gather(
        *(api.asks("POST", "/v1/rooms/demo/bans", wish, Idempotency_Key="once") for _ in range(2))
    )
    assert (first.status, again.status, first.body) == (201, 201, again.body)
    assert await ann.is_closed() == CloseCode.ENDED
    assert (await api.asks("POST", "/v1/rooms/demo/bans", {"identity": "eve"})).status == 201
    async with connected(here.ws_url) as client:
        for name in ("ann", "eve"):
            with pytest.raises(RequestFailed, match="banned"):
                await client.join(here.token("demo", name))
    seen, after = [], ""
    while after is not None:
        page = (await api.asks("GET", f"/v1/rooms/demo/bans?limit=1{f'&after={after}' if after else ''}")).body
        seen += page["bans"]
        after = page["next"]
    assert sorted(each["identity"] for each in seen) == ["ann", "eve"]
    assert (await api.asks("POST", "/v1/rooms/demo/bans", {})).code == "invalid_request"
    assert (await api.asks("POST", f"{PEOPLE}/p_nobody/ban", {})).code == "not_found"


async def test_who_is_banned_by_their_participant_is_out_as_an_identity(
    api: ApiClient, here: LocalReplica, ann: Client
) -> None:
    first, again = [await api.asks("POST", f"{PEOPLE}/{ann.id}/ban", {}, Idempotency_Key="a") for _ in range(2)]
    assert (first.status, first.body["identity"], first.body) == (201, "ann", again.body)
    assert await ann.is_closed() == CloseCode.ENDED
    async with connected(here.ws_url) as client:
        with pytest.raises(RequestFailed, match="banned"):
            await client.join(here.token("demo", "ann"))


async def test_the_service_speaks_to_everybody_and_says_it_once(api: ApiClient, ann: Client, ben: Client) -> None:
    await ann.asks("chat", text="hello")
    wish = {"text": "It is noon.", "name": "Clock"}
    first, again = [await api.asks("POST", "/v1/rooms/demo/messages", wish, Idempotency_Key="noon") for _ in range(2)]
    assert (first.status, first.body) == (201, again.body)
    for client in (ann, ben):
        heard = await client.until(
            lambda event: event["type"] == "chat.message" and event["message"]["name"] == "Clock"
        )
        assert (heard["message"]["text"], heard["message"]["participant"]) == ("It is noon.", "")
    page = (await api.asks("GET", "/v1/rooms/demo/messages?limit=1")).body
    assert [(each["text"], each["participant"]) for each in page["messages"]] == [("hello", ann.id)]
    rest = (await api.asks("GET", f"/v1/rooms/demo/messages?after={page['next']}")).body
    assert ([each["participant"] for each in rest["messages"]], rest["next"]) == ([None], None)


async def test_where_nobody_is_there_is_nobody(api: ApiClient) -> None:
    for method, path, wish in (
        ("GET", "participants", None), ("GET", "participants/p_1", None), ("GET", "messages", None),
        ("POST", "messages", {"text": "x"}), ("POST", "participants/p_1/kick", {}),
        ("POST", "participants/p_1/mute", {"source": "camera"}), ("POST", "participants/p_1/ban", {}),
        ("DELETE", "participants/p_1/tracks/t_1", None),
        ("DELETE", "participants/p_1/hand", None), ("POST", "participants/p_1/admit", None),
        ("GET", "participants/p_1/permissions", None), ("GET", "participants/p_1/attributes", None),
    ):  # fmt: skip
        assert (await api.asks(method, f"/v1/rooms/demo/{path}", wish)).code == "not_found", path
    assert (await api.asks("GET", "/v1/rooms/demo/bans")).body == {"bans": [], "next": None}
