"""Rooms, their policy and their attributes over REST."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert

from control_plane.database import Database, utc_now
from control_plane.rooms.models import RoomRow
from tests.control_plane.http.conftest import ApiClient
from tests.support.client import RequestFailed, connected
from tests.support.inprocess import LocalReplica


async def tag_of(api: ApiClient, path: str) -> str:
    return (await api.asks("GET", path)).headers["ETag"]


async def test_a_room_is_run_as_it_was_made_from_its_first_participant_on(
    api: ApiClient, replica: LocalReplica
) -> None:
    made = await api.asks(
        "POST", "/v1/rooms", {"room": "demo", "policy": {"capacity": 1.0}, "attributes": {"course": "7"}}
    )
    assert (made.status, made.headers["Location"]) == (201, "/v1/rooms/demo")
    assert (made.body["policy"]["capacity"], made.body["attributes"], made.body["live"]) == (1, {"course": "7"}, None)
    async with connected(replica.ws_url) as ann, connected(replica.ws_url) as ben:
        await ann.join(replica.token("demo", "ann"))
        with pytest.raises(RequestFailed, match="room_full"):
            await ben.join(replica.token("demo", "ben"))
    shown = (await api.asks("GET", "/v1/rooms/demo")).body
    assert (shown["created_at"], shown["attributes"]) == (made.body["created_at"], {"course": "7"})
    assert (await api.asks("POST", "/v1/rooms", {"room": "demo"})).code == "conflict"


async def test_a_creation_sent_twice_makes_one_room(api: ApiClient, replica: LocalReplica) -> None:
    shop = api.with_key(await replica.api_key("shop-"))
    first, again = [await shop.asks("POST", "/v1/rooms", {}, Idempotency_Key="order-7") for _ in range(2)]
    assert first.body == again.body
    assert first.body["room"].startswith("shop-")
    other = await shop.asks("POST", "/v1/rooms", {})
    assert other.body["room"] not in {first.body["room"], "shop-"}
    assert (await shop.asks("POST", "/v1/rooms", {"room": "shop-x"}, Idempotency_Key="order-7")).code == (
        "idempotency_key_reused"
    )


async def test_a_policy_changes_at_once_for_who_is_in_the_room_and_for_who_comes(
    api: ApiClient, replica: LocalReplica
) -> None:
    async with connected(replica.ws_url) as ann, connected(replica.ws_url) as ben:
        await ann.join(replica.token("demo", "ann"))
        tag = await tag_of(api, "/v1/rooms/demo/policy")
        changed = await api.asks("PATCH", "/v1/rooms/demo/policy", {"locked": True}, If_Match=tag)
        assert (changed.status, changed.body["locked"], changed.body["capacity"]) == (200, True, 100)
        assert (await ann.hears("room.updated"))["policy"]["locked"] is True
        with pytest.raises(RequestFailed, match="room_locked"):
            await ben.join(replica.token("demo", "ben"))
        await ann.asks("leave")
    assert (await api.asks("GET", "/v1/rooms/demo/policy")).body["locked"] is True


@pytest.mark.parametrize(
    ("path", "wishes"),
    [
        ("policy", ({"capacity": 7}, {"lobby": True})),
        ("attributes", ({"attributes": {"a": "1"}}, {"attributes": {"b": "2"}})),
        ("participants/WHO/permissions", ({"chat": False}, {"publish": ["camera"]})),
        ("participants/WHO/attributes", ({"attributes": {"a": "1"}}, {"attributes": {"b": "2"}})),
    ],
)
async def test_of_two_administrators_at_once_the_second_is_told_and_changes_nothing(
    api: ApiClient, replica: LocalReplica, path: str, wishes: tuple[Any, Any]
) -> None:
    async with connected(replica.ws_url) as ann:
        await ann.join(replica.token("demo", "ann"))
        url = f"/v1/rooms/demo/{path.replace('WHO', ann.id)}"
        tag = await tag_of(api, url)
        answers = await asyncio.gather(*(api.asks("PATCH", url, wish, If_Match=tag) for wish in wishes))
        assert sorted(each.status for each in answers) == [200, 412]
        done = next(each for each in answers if each.status == 200)
        shown = await api.asks("GET", url)
        assert (shown.body, shown.headers["ETag"]) == (done.body, done.headers["ETag"])
        assert next(each for each in answers if each.status == 412).code == "precondition_failed"

        assert (await api.asks("PATCH", url, wishes[0])).code == "precondition_required"
        assert (await api.asks("PATCH", url, wishes[0], If_Match="W/" + done.headers["ETag"])).status == 412
        assert (await api.asks("PATCH", url, wishes[0], If_Match="nonsense")).code == "invalid_request"
        assert (await api.asks("PATCH", url, wishes[0], If_Match=f'"x", {done.headers["ETag"]}')).status == 200
        assert (await api.asks("PATCH", url, wishes[1], If_Match="*")).status == 200


async def test_what_is_known_already_is_not_sent_again(api: ApiClient) -> None:
    await api.asks("POST", "/v1/rooms", {"room": "demo"})
    tag = await tag_of(api, "/v1/rooms/demo/policy")
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        known = await api.asks("GET", "/v1/rooms/demo/policy", If_None_Match=given)
        assert (known.status, known.headers["ETag"], known.body) == (304, tag, None)
    assert (await api.asks("GET", "/v1/rooms/demo/policy", If_None_Match='"x"')).status == 200


async def test_a_room_of_which_there_is_nothing_has_nothing_to_change(api: ApiClient) -> None:
    for path, wish in (("policy", {"locked": True}), ("attributes", {"attributes": {"a": "1"}})):
        assert (await api.asks("GET", f"/v1/rooms/nowhere/{path}")).code == "not_found"
        assert (await api.asks("PATCH", f"/v1/rooms/nowhere/{path}", wish, If_Match="*")).code == "not_found"
    assert (await api.asks("POST", "/v1/rooms/nowhere/close")).code == "not_found"
    assert (await api.asks("GET", "/v1/rooms/nowhere")).code == "not_found"


@pytest.mark.parametrize(
    "change",
    [{"capacity": 0}, {"capacity": 1.5}, {"capacity": True}, {"capacity": None}, {"lobby": "yes"}, {"topology": "x"},
     {"unknown": 1}, [], {"lobby_timeout_s": 1}],
)  # fmt: skip
async def test_a_policy_that_can_not_be_is_refused(api: ApiClient, change: Any) -> None:
    await api.asks("POST", "/v1/rooms", {"room": "demo"})
    assert (await api.asks("PATCH", "/v1/rooms/demo/policy", change, If_Match="*")).code == "invalid_request"
    assert (await api.asks("POST", "/v1/rooms", {"room": "new", "policy": change})).code == "invalid_request"
    assert (await api.asks("GET", "/v1/rooms/new")).code == "not_found"


async def test_attributes_are_changed_one_by_one_and_are_at_most_16(api: ApiClient) -> None:
    await api.asks("POST", "/v1/rooms", {"room": "demo", "attributes": {"a": "1", "b": "2"}})
    url = "/v1/rooms/demo/attributes"
    changed = await api.asks("PATCH", url, {"attributes": {"a": None, "c": "3"}}, If_Match="*")
    assert changed.body == {"attributes": {"b": "2", "c": "3"}}
    many = {f"n{number}": "" for number in range(15)}
    assert (await api.asks("PATCH", url, {"attributes": many}, If_Match="*")).code == "conflict"
    assert (await api.asks("GET", url)).body == changed.body


async def test_a_closed_room_keeps_how_it_is_run(api: ApiClient, replica: LocalReplica) -> None:
    await api.asks("POST", "/v1/rooms", {"room": "demo", "policy": {"capacity": 2}})
    async with connected(replica.ws_url) as ann:
        await ann.join(replica.token("demo", "ann"))
        assert (await api.asks("POST", "/v1/rooms/demo/close")).status == 204
        assert (await ann.hears("session.ended"))["code"] == "room_closed"
    shown = (await api.asks("GET", "/v1/rooms/demo")).body
    assert (shown["live"], shown["policy"]["capacity"]) == (None, 2)


async def test_ten_thousand_rooms_are_listed_each_once(api: ApiClient, replica: LocalReplica) -> None:
    names = [f"room-{number:05}" for number in range(10_000)]
    async with Database.connect(replica.database_url) as database:
        row = {"policy": "{}", "attributes": "{}", "created_by": "", "created_at": utc_now()}
        row |= {"changed_by": "", "changed_at": utc_now()}
        async with database.transaction() as session:
            await session.execute(insert(RoomRow), [row | {"name": name} for name in names])
    async with connected(replica.ws_url) as ann:
        await ann.join(replica.token("room-00500-live", "ann"))
        listed: list[str] = []
        after = ""
        while after is not None:
            query = f"&after={after}" if after else ""
            page = (await api.asks("GET", f"/v1/rooms?limit=100{query}")).body
            listed += [each["room"] for each in page["rooms"]]
            after = page["next"]
        assert sorted(listed) == listed
        assert set(names) <= set(listed)
        assert len(listed) in {len(names), len(names) + 1}  # who joined just now is listed within a second


async def test_a_room_is_moved_only_to_where_it_can_be(api: ApiClient, replica: LocalReplica) -> None:
    path = "/v1/rooms/demo/move"
    assert (await api.asks("POST", path, {"node": "n1"})).code == "not_found"
    async with connected(replica.ws_url) as ann:
        await ann.join(replica.token("demo", "ann"))
        assert (await api.asks("POST", path, {})).code == "invalid_request"
        assert (await api.asks("POST", path, {"node": "n1", "backend": "janus"})).code == "invalid_request"
        assert (await api.asks("POST", path, {"node": "n1"})).code == "conflict"
        assert (await api.asks("POST", path, {"backend": "janus"})).code == "not_found"
        assert (await api.with_key(await replica.api_key("shop-")).asks("POST", path, {"node": "n1"})).status == 403
        live = (await api.asks("GET", "/v1/rooms/demo")).body["live"]
        assert (live["node"], live["moving"]) == ("n1", False)
