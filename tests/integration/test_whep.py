"""Receiving by HTTP (WHEP) over two replicas: what is answered, and what the room makes of it. The media node records
what it is told."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from control_plane.access.tokens import Grants, RoomTokens
from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import RoomStore
from media_adapters.errors import Unsupported
from tests.support.client import Client, connected
from tests.support.database import migrate
from tests.support.inprocess import TOKEN_SECRET, LocalNode, LocalReplica, local_node, local_replica
from tests.support.redis import RedisTarget
from tests.support.whip import Http, Response, answer, fragment, http, offer


@dataclass(frozen=True)
class Room:
    """A moderator at `there`, and an encoder that publishes at `here` as `obs`, at `path`."""

    node: LocalNode
    here: LocalReplica
    there: LocalReplica
    asking: Http
    alice: Client
    tracks: dict[str, str]
    path: str

    async def plays(self, shown: str, query: str = "") -> tuple[str, Response]:
        posted = await self.asking.play(self.here.url, shown, query)
        assert posted.status == 201, posted.text
        return posted.headers["Location"], posted

    async def refuses(self, shown: str | None, query: str = "", body: Any = None) -> tuple[int, str]:
        posted = await self.asking.play(self.here.url, shown, query, body)
        assert posted.headers["Access-Control-Allow-Origin"] == "*"
        return posted.status, json.loads(posted.text)["code"]

    async def joined(self) -> dict[str, Any]:
        event = await self.alice.until(lambda e: e["type"] == "participant.joined")
        return dict(event["participant"])


@pytest.fixture
async def room(redis_target: RedisTarget, tmp_path: Path) -> AsyncIterator[Room]:
    url = f"sqlite:///{tmp_path}/nexusvibe.db"
    await migrate(url)
    async with (
        local_node(redis_target, "n1") as node,
        local_replica(redis_target, "here", (node.id,), url) as here,
        local_replica(redis_target, "there", (node.id,), url) as there,
        http() as asking,
        connected(there.ws_url) as alice,
    ):
        await alice.join(token("alice", moderate=True))
        posted = await asking.post(here.url, token("obs"))
        await alice.hears("participant.joined")
        published = [(await alice.hears("track.published"))["track"] for _ in range(2)]
        tracks = {track["source"]: track["id"] for track in published}
        yield Room(node, here, there, asking, alice, tracks, posted.headers["Location"])


def token(identity: str | None, **grants: Any) -> str:
    claims = {"room": "demo", "sub": identity, "name": identity or "guest", **grants}
    return RoomTokens(TOKEN_SECRET).mint(Grants.model_validate(claims), 3600)


async def test_a_player_is_a_participant_that_receives_the_only_publisher(room: Room) -> None:
    shown = token("tv")
    path, posted = await room.plays(shown)
    assert (posted.text, posted.headers["Accept-Patch"]) == ("v=0 answer", "application/trickle-ice-sdpfrag")
    assert path.startswith("/v1/whep/demo/")
    joined = await room.joined()
    assert (joined["identity"], joined["client"]) == ("tv", "whep")
    assert set(room.node.media.wanted[joined["id"]]) == set(room.tracks.values())
    for replica in (room.here, room.there):
        assert await room.asking.get(replica.url + path, shown) == 204
        assert await room.asking.get(replica.url + path, token("mallory")) == 403
        assert (await room.asking.patch(replica.url + path, shown, fragment(), posted.etag)).status == 204
    assert await room.asking.delete(room.there.url + path, shown) == 200
    assert (await room.alice.hears("participant.left"))["participant"] == joined["id"]
    assert not any(joined["id"] in str(peer) for name, peer in room.node.media.calls if name == "subscribe")


@pytest.mark.parametrize("query", ["?participant=obs", "?track={camera}"])
async def test_what_is_played_is_chosen_by_the_address(room: Room, query: str) -> None:
    body = offer("video").replace("sendonly", "recvonly")
    posted = await room.asking.play(room.here.url, token("tv"), query.format(**room.tracks), body)
    assert posted.status == 201
    assert room.node.media.wanted[(await room.joined())["id"]] == (room.tracks["camera"],)


async def test_what_can_not_be_played_is_refused_and_nobody_comes_and_goes(
    room: Room, redis_target: RedisTarget
) -> None:
    assert await room.refuses(None) == (401, "invalid_token")
    assert await room.refuses(token("tv", subscribe=False)) == (403, "not_allowed")
    assert await room.refuses(token("tv"), body=offer()) == (422, "unprocessable")
    assert await room.refuses(token("tv"), body="nothing") == (400, "invalid_description")
    assert await room.refuses(token("tv"), "?participant=nobody") == (404, "not_found")
    assert await room.refuses(token("tv"), "?track=nothing") == (404, "not_found")
    assert await room.refuses(token("tv"), "?track=a&participant=b") == (400, "invalid_request")
    assert await room.refuses(token("tv", room="empty")) == (404, "not_found")
    async with redis_target.connect() as redis:
        for policy, expected in (
            (RoomPolicy(locked=True), (403, "room_locked")),
            (RoomPolicy(lobby=True), (403, "lobby")),
            (RoomPolicy(capacity=2), (409, "room_full")),
        ):
            await RoomStore(redis).set_policy(RoomId("demo"), policy)
            assert await room.refuses(token("tv")) == expected
        await RoomStore(redis).set_policy(RoomId("demo"), RoomPolicy())
    assert (await room.asking.post(room.here.url, token("other"))).status == 201
    assert (await room.joined())["identity"] == "other"
    for _ in range(2):
        await room.alice.hears("track.published")
    assert await room.refuses(token("tv")) == (400, "invalid_request")  # which of the two?


async def test_a_media_server_that_can_t_says_so_and_the_player_is_gone(room: Room) -> None:
    room.node.media.fails["play"] = Unsupported("not supported by this room's media server")
    assert await room.refuses(token("tv")) == (501, "not_supported")
    assert (await room.alice.hears("participant.left"))["reason"] == "left"


async def test_a_kick_ends_it_and_keeps_the_player_out(room: Room) -> None:
    shown = token("tv")
    path, _ = await room.plays(shown)
    joined = await room.joined()
    await room.alice.asks("kick", participant=joined["id"])
    for replica in (room.here, room.there):
        assert await room.asking.get(replica.url + path, shown) == 404
    await room.node.media.until(
        lambda: not any(p.participant == joined["id"] for r in room.node.media.rooms.values() for p in r)
    )
    assert await room.refuses(shown) == (403, "kicked")


async def test_it_ends_with_what_it_watches_and_with_the_permission_to_receive(room: Room) -> None:
    first, second = token("tv"), token("radio")
    path, _ = await room.plays(first)
    joined = await room.joined()
    await room.alice.asks("permissions", participant=joined["id"], subscribe=False)
    left = await room.alice.until(lambda e: e["type"] == "participant.left")
    assert (left["participant"], left["reason"]) == (joined["id"], "left")
    assert await room.asking.get(room.here.url + path, first) == 404

    path, _ = await room.plays(second)
    joined = await room.joined()
    assert await room.asking.delete(room.here.url + room.path, token("obs")) == 200
    await room.alice.until(lambda e: e["type"] == "participant.left" and e["participant"] == joined["id"])
    assert await room.asking.get(room.here.url + path, second) == 404


async def test_ice_is_restarted_where_the_offer_is(room: Room) -> None:
    room.node.media.answer_sdp = answer("srv1")
    shown = token("tv")
    path, posted = await room.plays(shown)
    room.node.media.answer_sdp = answer("srv2")
    restarted = await room.asking.patch(room.here.url + path, shown, fragment("efgh"), "*")
    assert restarted.status == 200
    assert "a=ice-ufrag:srv2\r\n" in restarted.text
    assert restarted.etag != posted.etag
    assert (await room.asking.patch(room.there.url + path, shown, fragment("ijkl"), "*")).status == 503
