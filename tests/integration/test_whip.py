"""Publishing by HTTP (RFC 9725) over two replicas: what is answered, and what the room makes of it. The media node
records what it is told."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from control_plane.access.tokens import Grants, RoomTokens
from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import RoomStore
from control_plane.whip import session
from media_adapters.events import ConnectionChanged, TrackStopped
from media_adapters.models import PeerConnectionRole, PeerRef
from tests.support.client import Client, RequestFailed, connected
from tests.support.database import migrate
from tests.support.inprocess import TOKEN_SECRET, LocalNode, LocalReplica, local_node, local_replica
from tests.support.redis import RedisTarget, running_redis
from tests.support.whip import FRAGMENT, SDP, Http, Response, answer, fragment, http, offer


@pytest.fixture
async def node(redis_target: RedisTarget) -> AsyncIterator[LocalNode]:
    async with local_node(redis_target, "n1") as node:
        yield node


@pytest.fixture
async def database_url(tmp_path: Path) -> str:
    """One for both replicas; which kind it is makes no difference here."""
    url = f"sqlite:///{tmp_path}/nexusvibe.db"
    await migrate(url)
    return url


@pytest.fixture
async def here(redis_target: RedisTarget, node: LocalNode, database_url: str) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "here", (node.id,), database_url) as replica:
        yield replica


@pytest.fixture
async def there(redis_target: RedisTarget, here: LocalReplica, database_url: str) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "there", ("n1",), database_url) as replica:
        yield replica


@dataclass(frozen=True)
class Going:
    """A replica that a test stops."""

    replica: LocalReplica
    stop: Callable[[], Awaitable[None]]


@pytest.fixture
async def going(redis_target: RedisTarget, node: LocalNode, database_url: str) -> AsyncIterator[Going]:
    async with AsyncExitStack() as stack:
        replica = await stack.enter_async_context(local_replica(redis_target, "going", (node.id,), database_url))
        yield Going(replica, stack.aclose)


@pytest.fixture
def both(here: LocalReplica, there: LocalReplica) -> tuple[LocalReplica, LocalReplica]:
    return here, there


@pytest.fixture
async def asking() -> AsyncIterator[Http]:
    async with http() as asking:
        yield asking


@pytest.fixture
async def alice(there: LocalReplica) -> AsyncIterator[Client]:
    """A moderator, at the other replica than the publisher."""
    async with connected(there.ws_url) as alice:
        await alice.join(token("alice", moderate=True))
        yield alice


def token(identity: str | None, ttl: int = 3600, **grants: Any) -> str:
    claims = {"room": "demo", "sub": identity, "name": identity or "guest", **grants}
    return RoomTokens(TOKEN_SECRET).mint(Grants.model_validate(claims), ttl)


async def published(asking: Http, replica: LocalReplica, shown: str) -> tuple[str, Response]:
    """A publication, and the path of its resource."""
    posted = await asking.post(replica.url, shown)
    assert posted.status == 201, posted.text
    return posted.headers["Location"], posted


def the_peer(node: LocalNode) -> PeerRef:
    return next(peer for peers in node.media.rooms.values() for peer, status in peers.items() if status.tracks)


async def test_a_publisher_is_a_participant_like_any_other(
    asking: Http, node: LocalNode, here: LocalReplica, alice: Client
) -> None:
    shown = token("obs")
    path, posted = await published(asking, here, shown)
    assert (posted.headers["Content-Type"], posted.text) == ("application/sdp; charset=utf-8", "v=0 answer")
    assert posted.headers["Accept-Patch"] == FRAGMENT
    assert posted.etag.startswith('"')
    assert len(path.rpartition("/")[2]) >= 43  # 256 bits

    joined = (await alice.hears("participant.joined"))["participant"]
    assert (joined["identity"], joined["name"], joined["client"]) == ("obs", "obs", "whip")
    tracks = [(await alice.hears("track.published"))["track"] for _ in range(2)]
    assert {(track["source"], track["participant"]) for track in tracks} == {
        ("microphone", joined["id"]), ("camera", joined["id"])
    }  # fmt: skip
    assert node.media.wanted.get(joined["id"], ()) == ()  # it receives nobody
    assert await asking.get(here.url + path, shown) == 204

    assert await asking.delete(here.url + path, shown) == 200
    assert (await alice.hears("participant.left"))["reason"] == "left"
    await node.media.until(lambda: not any(p.participant == joined["id"] for r in node.media.rooms.values() for p in r))
    assert await asking.get(here.url + path, shown) == 404
    assert await asking.delete(here.url + path, shown) == 404


async def test_what_is_shared_can_be_a_screen(asking: Http, here: LocalReplica, alice: Client) -> None:
    body = {"body": offer(), "Content_Type": SDP}
    posted = await asking.ask("POST", f"{here.url}/v1/whip?source=screen", token("obs"), **body)
    assert posted.status == 201
    sources = {(await alice.hears("track.published"))["track"]["source"] for _ in range(2)}
    assert sources == {"screen", "screen_audio"}


async def test_an_offer_that_can_t_be_taken_is_refused_and_nobody_comes_and_goes(
    asking: Http, here: LocalReplica, alice: Client
) -> None:
    for shown, body, kind, expected in (
        (None, None, SDP, (401, "invalid_token")),
        ("garbage", None, SDP, (401, "invalid_token")),
        (token("obs", ttl=-60), None, SDP, (401, "expired_token")),
        (token("obs"), None, "application/json", (415, "unsupported_media_type")),
        (token("obs"), None, FRAGMENT, (415, "unsupported_media_type")),
        (token("obs"), "nothing of the kind", SDP, (400, "invalid_description")),
        (token("obs"), b"v=0\r\n\xff", SDP, (400, "invalid_description")),
        (token("obs"), "v" * 300_000, SDP, (413, "too_large")),
        (token("obs"), offer("video", "video"), SDP, (422, "unprocessable")),
        (token("obs", publish=["microphone"]), None, SDP, (403, "not_allowed")),
        (token("obs", publish=[]), offer("audio"), SDP, (403, "not_allowed")),
    ):
        refused = await asking.post(here.url, shown, body, kind)
        assert (refused.status, json.loads(refused.text)["code"]) == expected
        assert refused.headers["Content-Type"].startswith("application/problem+json")
        assert refused.headers["Access-Control-Allow-Origin"] == "*"
    await alice.asks("ping")
    assert [event["type"] for event in alice.events] == []


async def test_an_offer_that_the_media_server_takes_by_half_is_refused_and_its_publisher_is_gone(
    asking: Http, node: LocalNode, here: LocalReplica, alice: Client
) -> None:
    node.media.answer_sdp = answer("srvr").replace("m=video 9", "m=video 0")
    assert (await asking.post(here.url, token("obs"))).status == 422
    assert (await alice.hears("participant.left"))["reason"] == "left"


async def test_a_room_that_is_locked_full_or_has_a_lobby_says_so(
    asking: Http, redis_target: RedisTarget, here: LocalReplica, alice: Client
) -> None:
    async with redis_target.connect() as redis:
        store = RoomStore(redis)
        for policy, expected in (
            (RoomPolicy(locked=True), (403, "room_locked")),
            (RoomPolicy(lobby=True), (403, "lobby")),
            (RoomPolicy(capacity=1), (409, "room_full")),
        ):
            await store.set_policy(RoomId("demo"), policy)
            refused = await asking.post(here.url, token("obs"))
            assert (refused.status, json.loads(refused.text)["code"]) == expected
        await store.set_policy(RoomId("demo"), RoomPolicy())
    assert not [event for event in alice.events if event["type"].startswith(("participant", "lobby"))]


async def test_without_a_media_node_one_is_told_to_come_back(asking: Http, redis_target: RedisTarget) -> None:
    async with local_replica(redis_target, "alone") as replica:
        refused = await asking.post(replica.url, token("obs"))
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")


async def test_a_resource_takes_its_publisher_s_tokens_only(
    asking: Http, here: LocalReplica, there: LocalReplica
) -> None:
    path, posted = await published(asking, here, token("obs"))
    for replica in (here, there):
        url = replica.url + path
        for shown, status in (
            (None, 401),
            (token("obs", ttl=-60), 401),
            (token("mallory"), 403),
            (token("mallory", moderate=True), 403),
            (token(None), 403),
            (token("obs", room="other"), 403),
        ):
            assert await asking.get(url, shown) == status
            assert (await asking.patch(url, shown, fragment(), posted.etag)).status == status
            assert await asking.delete(url, shown) == status
        assert await asking.get(f"{replica.url}/v1/whip/demo/guessed", token("obs")) == 404
        assert (
            await asking.get(f"{replica.url}/v1/whip/other/{path.rpartition('/')[2]}", token("obs", room="other"))
            == 404
        )
    assert await asking.get(there.url + path, token("obs")) == 204  # a newer token of the same identity


async def test_a_guest_s_resource_takes_that_guest_s_token_only(asking: Http, here: LocalReplica) -> None:
    shown = token(None)
    path, _ = await published(asking, here, shown)
    assert await asking.delete(here.url + path, token(None)) == 403
    assert await asking.delete(here.url + path, shown) == 200


async def test_candidates_are_taken_at_every_replica_and_events_go_on_to_who_speaks_for_the_publisher(
    asking: Http, node: LocalNode, here: LocalReplica, there: LocalReplica, alice: Client
) -> None:
    shown = token("obs")
    path, posted = await published(asking, here, shown)
    for replica in (here, there):
        url = replica.url + path
        for body, etag, kind, status in (
            (fragment(), None, FRAGMENT, 428),
            (fragment(), '"another"', FRAGMENT, 412),
            (fragment(), posted.etag, SDP, 415),
            ("nothing", posted.etag, FRAGMENT, 400),
            ("a" * 50_000, posted.etag, FRAGMENT, 413),
        ):
            refused = await asking.patch(url, shown, body, etag, kind)
            assert refused.status == status
            assert refused.headers["Access-Control-Allow-Origin"] == "*"
        before = node.media.calls.count(("add_candidate", the_peer(node)))
        taken = await asking.patch(url, shown, fragment(), posted.etag)
        assert (taken.status, taken.text, "ETag" in taken.headers) == (204, "", False)
        assert node.media.calls.count(("add_candidate", the_peer(node))) == before + 1

    for _ in range(2):
        await alice.hears("track.published")
    peer = the_peer(node)
    track = node.media.rooms[peer.room][peer].tracks[0].id
    node.media.emit(TrackStopped(peer=peer, track=track))
    assert (await alice.hears("track.ended"))["track"] == track


async def test_ice_is_restarted_where_the_offer_is_and_elsewhere_one_is_told_to_ask_again(
    asking: Http, node: LocalNode, here: LocalReplica, there: LocalReplica
) -> None:
    node.media.answer_sdp = answer("srv1")
    shown = token("obs")
    path, posted = await published(asking, here, shown)
    elsewhere = await asking.patch(there.url + path, shown, fragment("efgh"), "*")
    assert (elsewhere.status, elsewhere.headers["Retry-After"]) == (503, "1")

    node.media.answer_sdp = answer("srv2")
    restarted = await asking.patch(here.url + path, shown, fragment("efgh"), "*")
    assert (restarted.status, restarted.headers["Content-Type"].partition(";")[0]) == (200, FRAGMENT)
    assert "a=ice-ufrag:srv2\r\n" in restarted.text
    assert restarted.etag != posted.etag
    for replica in (here, there):
        assert (await asking.patch(replica.url + path, shown, fragment(), posted.etag)).status == 412
        assert (await asking.patch(replica.url + path, shown, fragment("efgh"), restarted.etag)).status == 204
    # The answer may have been lost: the same restart again gives it again.
    again = await asking.patch(here.url + path, shown, fragment("efgh"), "*")
    assert (again.status, again.etag) == (200, restarted.etag)


async def test_of_restarts_that_race_the_last_one_holds(asking: Http, node: LocalNode, here: LocalReplica) -> None:
    node.media.answer_sdp = answer("srv1")
    shown = token("obs")
    path, _ = await published(asking, here, shown)
    url = here.url + path
    both = await asyncio.gather(*(asking.patch(url, shown, fragment(ufrag), "*") for ufrag in ("efgh", "ijkl")))
    assert [each.status for each in both] == [200, 200]
    statuses = {
        ufrag: (await asking.patch(url, shown, fragment(ufrag), each.etag)).status
        for ufrag, each in zip(("efgh", "ijkl"), both, strict=True)
    }
    assert sorted(statuses.values()) == [204, 412]


@pytest.mark.parametrize("how", ["kick", "ban"])
async def test_who_is_removed_is_gone_everywhere_within_a_second_and_stays_out(
    both: tuple[LocalReplica, LocalReplica], asking: Http, node: LocalNode, alice: Client, how: str
) -> None:
    here, there = both
    shown = token("obs")
    path, posted = await published(asking, here, shown)
    joined = (await alice.hears("participant.joined"))["participant"]
    began = time.monotonic()
    await alice.asks(how, participant=joined["id"])
    for replica in (here, there):
        assert await asking.get(replica.url + path, shown) == 404
        assert (await asking.patch(replica.url + path, shown, fragment(), posted.etag)).status == 404
    await node.media.until(lambda: not any(p.participant == joined["id"] for r in node.media.rooms.values() for p in r))
    assert time.monotonic() - began < 1.0
    for replica in (here, there):
        refused = await asking.post(replica.url, shown)
        assert (refused.status, json.loads(refused.text)["code"]) == (403, "kicked" if how == "kick" else "banned")


async def test_a_moderator_takes_a_source_away_and_the_publication_goes_on(
    asking: Http, node: LocalNode, here: LocalReplica, alice: Client
) -> None:
    shown = token("obs")
    path, _ = await published(asking, here, shown)
    joined = (await alice.hears("participant.joined"))["participant"]
    tracks = {(t := (await alice.hears("track.published"))["track"])["source"]: t["id"] for _ in range(2)}
    await alice.asks("permissions", participant=joined["id"], publish=["camera"])
    assert (await alice.hears("track.ended"))["track"] == tracks["microphone"]
    await node.media.until(lambda: node.media.muted == {tracks["microphone"]})
    assert await asking.get(here.url + path, shown) == 204


async def test_a_publication_is_stopped_at_any_replica(
    asking: Http, node: LocalNode, here: LocalReplica, there: LocalReplica, alice: Client
) -> None:
    shown = token("obs")
    path, _ = await published(asking, here, shown)
    assert await asking.delete(there.url + path, shown) == 200
    assert (await alice.hears("participant.left"))["reason"] == "left"
    await node.media.until(lambda: not any(status.tracks for r in node.media.rooms.values() for status in r.values()))
    assert await asking.get(here.url + path, shown) == 404
    await published(asking, here, shown)


async def test_posting_again_takes_the_place_of_what_was_published_before(
    asking: Http, here: LocalReplica, there: LocalReplica, alice: Client
) -> None:
    shown = token("obs")
    first, _ = await published(asking, here, shown)
    second, _ = await published(asking, there, shown)
    assert (await alice.hears("participant.left"))["reason"] == "replaced"
    assert await asking.get(here.url + first, shown) == 404
    assert await asking.get(here.url + second, shown) == 204


async def test_a_connection_that_is_over_ends_the_publication(
    asking: Http, node: LocalNode, here: LocalReplica, alice: Client
) -> None:
    shown = token("obs")
    path, _ = await published(asking, here, shown)
    for up in (True, False):
        event = ConnectionChanged(peer=the_peer(node), pc=PeerConnectionRole.PUBLISHER, connected=up, receiving=up)
        node.media.emit(event)
    assert (await alice.hears("participant.left"))["reason"] == "left"
    await asking.until_gone(here.url + path, shown)


async def test_silence_ends_the_publication_and_a_pause_does_not(
    asking: Http, node: LocalNode, here: LocalReplica, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SILENCE_S", 0.5)
    shown = token("obs")
    path, _ = await published(asking, here, shown)
    for receiving in (True, False, True):
        event = ConnectionChanged(
            peer=the_peer(node), pc=PeerConnectionRole.PUBLISHER, connected=True, receiving=receiving
        )
        node.media.emit(event)
    await asyncio.sleep(0.8)
    assert await asking.get(here.url + path, shown) == 204
    node.media.emit(event.model_copy(update={"receiving": False}))
    assert (await alice.hears("participant.left"))["reason"] == "left"
    await asking.until_gone(here.url + path, shown)


async def test_media_that_never_come_end_the_publication(
    asking: Http, here: LocalReplica, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "FIRST_MEDIA_S", 0.2)
    shown = token("obs")
    path, _ = await published(asking, here, shown)
    assert (await alice.hears("participant.left"))["reason"] == "left"
    await asking.until_gone(here.url + path, shown)


async def test_another_replica_speaks_for_the_publishers_of_one_that_is_gone(
    going: Going, asking: Http, node: LocalNode, both: tuple[LocalReplica, LocalReplica], alice: Client
) -> None:
    _, there = both
    shown, lonely = token("obs"), token("obs", room="lonely")
    path, posted = await published(asking, going.replica, shown)
    alone, _ = await published(asking, going.replica, lonely)
    joined = (await alice.hears("participant.joined"))["participant"]
    for _ in range(2):
        await alice.hears("track.published")
    await going.stop()
    taken = await asking.patch(there.url + path, shown, fragment(), posted.etag)
    assert taken.status == 204
    await alice.hears("participant.updated", participant={**joined, "connected": False})
    await alice.hears("participant.updated", participant=joined)
    async with asyncio.timeout(5):  # one of the two speaks for it now, and neither has its offer
        while "offer_forgotten" not in [  # noqa: ASYNC110 - over HTTP nobody is told
            json.loads((await asking.patch(each.url + path, shown, fragment("efgh"), "*")).text)["code"]
            for each in both
        ]:
            await asyncio.sleep(0.02)

    peer = next(p for p in _peers(node) if p.participant == joined["id"])
    node.media.emit(ConnectionChanged(peer=peer, pc=PeerConnectionRole.PUBLISHER, connected=True, receiving=True))
    node.media.emit(ConnectionChanged(peer=peer, pc=PeerConnectionRole.PUBLISHER, connected=False))
    assert (await alice.hears("participant.left"))["reason"] == "left"
    # also in a room where nobody else is
    await node.media.until(lambda: any(m == "adopt" and _room(who) == "lonely" for m, who in node.media.calls), 10)
    assert await asking.delete(there.url + alone, lonely) == 200


def _room(who: object) -> str:
    return who.room.room if isinstance(who, PeerRef) else ""


def _peers(node: LocalNode) -> list[PeerRef]:
    return [peer for peers in node.media.rooms.values() for peer in peers]


async def test_a_publication_outlives_redis(database_url: str, asking: Http) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        server = await enter(running_redis())
        redis = RedisTarget(server.url, cluster=False)
        node = await enter(local_node(redis, "n1"))
        here = await enter(local_replica(redis, "here", (node.id,), database_url))
        shown = token("obs")
        path, posted = await published(asking, here, shown)
        server.kill()
        assert await asking.get(here.url + path, shown) == 503
        await server.restart_empty()
        async with asyncio.timeout(20):
            while (status := await asking.get(here.url + path, shown)) != 204:
                assert status in {404, 503}
                await asyncio.sleep(0.1)
        assert (await asking.patch(here.url + path, shown, fragment(), posted.etag)).status == 204


async def test_redis_holds_no_description_address_or_resource(
    asking: Http, redis_target: RedisTarget, here: LocalReplica
) -> None:
    shown = token("obs")
    path, posted = await published(asking, here, shown)
    await asking.patch(here.url + path, shown, fragment(), posted.etag)
    held = b""
    async with redis_target.connect() as redis:
        for part in ("meta", "people", "tracks", "legs"):
            held += repr(await redis.execute("HGETALL", f"nv:{{room:demo}}:{part}")).encode()
        held += repr(await redis.execute("HGETALL", "nv:{whip}:held")).encode()
    assert b"whip" not in held or b"demo" in held
    for secret in ("192.0.2.77", "m=audio", "candidate:", "abcd", path.rpartition("/")[2]):
        assert secret.encode() not in held


async def test_pages_of_other_origins_may_publish(asking: Http, here: LocalReplica) -> None:
    path, _ = await published(asking, here, token("obs"))
    asked = {
        "Origin": "https://studio.example",
        "Access_Control_Request_Headers": "authorization,content-type,if-match",
    }
    for url, method, accepts in (
        (f"{here.url}/v1/whip", "POST", ("Accept-Post", SDP)),
        (here.url + path, "PATCH", ("Accept-Patch", FRAGMENT)),
        (here.url + path, "DELETE", ("Accept-Patch", FRAGMENT)),
    ):
        preflight = await asking.ask("OPTIONS", url, None, Access_Control_Request_Method=method, **asked)
        assert preflight.status == 200
        assert preflight.headers["Access-Control-Allow-Origin"] == "*"
        assert method in preflight.headers["Access-Control-Allow-Methods"]
        assert {"Authorization", "Content-Type", "If-Match"} <= set(
            preflight.headers["Access-Control-Allow-Headers"].split(", ")
        )
        assert preflight.headers[accepts[0]] == accepts[1]
        assert "Link" not in preflight.headers
    assert (await asking.ask("PUT", f"{here.url}/v1/whip", token("obs"))).status == 405
    assert (await asking.ask("POST", here.url + path, token("obs"))).status == 405


async def test_who_posts_too_often_is_told_when_to_come_back(asking: Http, here: LocalReplica) -> None:
    shown = token("obs")
    statuses = [(await asking.post(here.url, shown, "nothing")).status for _ in range(31)]
    assert statuses == [400] * 30 + [429]
    assert (await asking.post(here.url, token("other"), "nothing")).status == 400


async def test_nobody_resumes_what_is_published_by_http(asking: Http, here: LocalReplica, alice: Client) -> None:
    await published(asking, here, token("obs"))
    joined = (await alice.hears("participant.joined"))["participant"]
    async with connected(here.ws_url) as mallory:
        with pytest.raises(RequestFailed, match="resume_refused"):
            await mallory.resume(f"demo:{joined['id']}:")
