"""The REST API as an integrator's server meets it."""

import asyncio
import base64
import hashlib
import re
from functools import partial
from typing import Any

import aiohttp
import pytest

from control_plane.access.idempotency import Idempotency, Repeatable
from control_plane.access.routes import TokenRequest, TokenRoutes
from control_plane.access.tokens import Grants, RoomTokens, VerifiedToken
from control_plane.http.operation import Caller
from control_plane.signaling.messages import CloseCode
from control_plane.state import Redis
from tests.control_plane.access.test_keys import MovableClock
from tests.control_plane.http.conftest import ApiClient
from tests.support.client import connected
from tests.support.inprocess import TOKEN_SECRET, LocalReplica, local_replica
from tests.support.redis import RedisTarget


def granted(token: str) -> Any:
    return RoomTokens(TOKEN_SECRET).verify(token).grants


async def rooms_of(api: ApiClient, query: str = "") -> tuple[list[str], str | None]:
    page = (await api.asks("GET", f"/v1/rooms{query}")).body
    return [each["room"] for each in page["rooms"]], page["next"]


async def are_listed(api: ApiClient, *rooms: str) -> None:
    """Wait until these rooms, and no others, are listed."""
    async with asyncio.timeout(5):
        while await rooms_of(api) != (list(rooms), None):  # noqa: ASYNC110 -- a list tells nobody that it grew
            await asyncio.sleep(0.05)


async def test_a_minted_token_lets_its_bearer_in_as_it_says(api: ApiClient, replica: LocalReplica) -> None:
    wish = {"room": "demo", "identity": "ann", "name": "Ann", "attributes": {"seat": "7"}, "publish": ["camera"]}
    minted = await api.asks("POST", "/v1/tokens", {**wish, "chat": False, "ttl_s": 60})
    assert minted.status == 201
    grants = granted(minted.body["token"])
    assert (grants.attributes, grants.publish, grants.chat, grants.moderate) == (
        {"seat": "7"},
        ("camera",),
        False,
        False,
    )
    async with connected(replica.ws_url) as ann:
        await ann.join(minted.body["token"])
        assert ann.joined["participant"]["name"] == "Ann"


async def test_a_request_sent_twice_mints_one_token(api: ApiClient, replica: LocalReplica) -> None:
    wish = {"room": "demo", "identity": "ann"}
    first, again = [await api.asks("POST", "/v1/tokens", wish, Idempotency_Key="order-7") for _ in range(2)]
    assert first.body == again.body
    assert (await api.asks("POST", "/v1/tokens", {"room": "x"}, Idempotency_Key="order-7")).code == (
        "idempotency_key_reused"
    )
    stranger = api.with_key(await replica.api_key())
    assert (await stranger.asks("POST", "/v1/tokens", wish, Idempotency_Key="order-7")).body != first.body
    assert (await api.asks("POST", "/v1/tokens", wish)).body["jti"] != first.body["jti"]


async def test_a_token_that_a_kick_has_closed_is_minted_anew(api: ApiClient, replica: LocalReplica) -> None:
    wish = {"room": "demo", "identity": "ann"}
    closed = (await api.asks("POST", "/v1/tokens", wish, Idempotency_Key="order-8")).body
    host = RoomTokens(TOKEN_SECRET).mint(Grants(room="demo", name="Host", moderate=True))
    async with connected(replica.ws_url) as moderator, connected(replica.ws_url) as ann:
        await moderator.join(host)
        await ann.join(closed["token"], name="Ann")
        await moderator.hears("participant.joined")
        await moderator.asks("kick", participant=ann.id)
    anew, again = [
        (await api.asks("POST", "/v1/tokens", wish, Idempotency_Key="order-8")).body["jti"] for _ in range(2)
    ]
    assert closed["jti"] not in {anew, again}


async def test_a_token_that_ran_out_is_minted_anew(redis: Redis) -> None:
    async def is_closed(_: VerifiedToken) -> bool:
        return False

    clock = MovableClock()
    minting = TokenRoutes(RoomTokens(TOKEN_SECRET, clock), Idempotency(redis, clock), is_closed, clock).operations()[0]
    ask = partial(
        minting.handle,
        Caller("k", ""),
        Repeatable(idempotency_key="one"),
        TokenRequest(room="a", attributes={}, ttl_s=60),
    )
    first, again = await ask(), await ask()
    clock.seconds += 70
    assert first == again != await ask()


async def test_rooms_are_shown_and_listed_while_people_are_in_them(api: ApiClient, replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as ann, connected(replica.ws_url) as ben:
        await ann.join(replica.token("demo", "ann"))
        await ben.join(replica.token("demo", "ben", hidden=True))
        assert (await api.asks("GET", "/v1/rooms/demo")).body["live"]["participants"] == 2
        await are_listed(api, "demo")
        await ann.asks("leave")
        await ben.asks("leave")
    assert (await api.asks("GET", "/v1/rooms/nowhere")).code == "not_found"


async def test_a_closed_room_sends_everybody_away_and_is_gone(api: ApiClient, replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as ann:
        await ann.join(replica.token("demo", "ann"))
        assert (await api.asks("DELETE", "/v1/rooms/demo")).status == 204
        assert await ann.is_closed() == CloseCode.ENDED
    assert (await api.asks("GET", "/v1/rooms/demo")).code == "not_found"
    assert (await api.asks("DELETE", "/v1/rooms/demo")).code == "not_found"


async def test_a_key_reaches_its_own_rooms_only(api: ApiClient, replica: LocalReplica) -> None:
    shop = api.with_key(await replica.api_key("shop-"))
    async with connected(replica.ws_url) as ann, connected(replica.ws_url) as ben:
        await ann.join(replica.token("other", "ann"))
        await ben.join(replica.token("shop-1", "ben"))
        await are_listed(api, "other", "shop-1")
        assert await rooms_of(shop) == (["shop-1"], None)
        refused = [
            await shop.asks("GET", "/v1/rooms/other"),
            await shop.asks("DELETE", "/v1/rooms/other"),
            await shop.asks("GET", "/v1/rooms?prefix=o"),
            await shop.asks("GET", "/v1/rooms?prefix=sho"),
            await shop.asks("POST", "/v1/tokens", {"room": "other"}),
        ]
        assert {reply.code for reply in refused} == {"not_allowed"}
        assert (await api.asks("GET", "/v1/rooms/other")).status == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer nv_0123456789ab_wrong", "nv_a_b"])
async def test_without_a_key_nothing_is_told(api: ApiClient, header: str) -> None:
    for method, path in (
        ("GET", "/v1/rooms"),
        ("GET", "/v1/rooms/demo"),
        ("DELETE", "/v1/rooms/x"),
        ("POST", "/v1/tokens"),
    ):
        refused = await api.with_key("").asks(method, path, Authorization=header)
        assert (refused.status, refused.code) == (401, "invalid_key")
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "wish",
    [
        None, [], "text", {}, {"room": "a b"}, {"room": "x" * 129}, {"room": "demo", "moderator": True},
        {"room": "demo", "name": "x" * 65}, {"room": "demo", "name": "\u202egnp.exe"}, {"room": "demo", "name": "a\0b"},
        {"room": "demo", "name": ""}, {"room": "demo", "identity": ""}, {"room": "demo", "publish": ["everything"]},
        {"room": "demo", "ttl_s": 0}, {"room": "demo", "ttl_s": 10**9}, {"room": "demo", "subscribe": "yes"},
        {"room": "demo", "attributes": {str(number): "" for number in range(17)}},
        {"room": "demo", "attributes": {"a": "x" * 257}}, {"room": "demo", "attributes": {"a": 1}},
    ],
)  # fmt: skip
async def test_a_wish_that_can_not_be_granted_is_refused_with_its_fault(api: ApiClient, wish: Any) -> None:
    assert (await api.asks("POST", "/v1/tokens", wish)).code == "invalid_request"


async def test_what_is_too_large_is_refused_before_it_is_read(api: ApiClient) -> None:
    assert (await api.asks("POST", "/v1/tokens", {"room": "demo", "name": "x" * 900_000})).code == "too_large"

    async def endless() -> Any:
        for _ in range(200):
            yield b" " * 1024

    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"}
    async with api.session.post(f"{api.url}/v1/tokens", data=endless(), headers=headers) as response:
        assert response.status == 413


async def test_what_is_not_there_is_a_problem_too(api: ApiClient) -> None:
    assert (await api.asks("GET", "/v1/nothing")).code == "unknown_path"
    refused = await api.asks("PUT", "/v1/rooms/demo")
    assert refused.code == "method_not_allowed"
    assert refused.headers["Allow"] == "DELETE, GET"


async def test_a_key_that_asks_too_often_is_told_when_to_go_on(redis_target: RedisTarget) -> None:
    async with local_replica(redis_target, "here", api_limit=2) as replica, aiohttp.ClientSession() as session:
        api = ApiClient(session, replica.url, await replica.api_key())
        assert [(await api.asks("GET", "/v1/rooms")).status for _ in range(3)] == [200, 200, 429]
        refused = await api.asks("GET", "/v1/rooms")
        assert refused.code == "rate_limited"
        assert int(refused.headers["Retry-After"]) >= 1
        assert (await api.with_key(await replica.api_key()).asks("GET", "/v1/rooms")).status == 200


async def test_each_answer_names_its_request(api: ApiClient) -> None:
    assert (await api.asks("GET", "/v1/rooms", X_Request_Id="mine-1")).headers["X-Request-Id"] == "mine-1"
    made_up = (await api.asks("GET", "/v1/rooms", X_Request_Id="not one\tof ours")).headers["X-Request-Id"]
    assert made_up.startswith("rq_")
    assert "X-Request-Id" in (await api.with_key("").asks("GET", "/v1/rooms")).headers


async def test_the_documents_load_nothing_from_elsewhere(api: ApiClient) -> None:
    async with api.session.get(f"{api.url}/v1/docs") as response:
        html = await response.text()
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    style = re.search(r"<style>(.*)</style>", html, re.DOTALL)
    assert style is not None
    assert base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode() in policy  # its own style is let in
    assert not re.search(r"<script|<link|<img|@import|https?://|\ssrc=", html)
    description = (await api.with_key("").asks("GET", "/v1/openapi.json")).body
    for path in description["paths"]:
        assert path in html
