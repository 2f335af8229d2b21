"""`nexusvibe_client`, the REST client for servers in Python, against a real replica."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from nexusvibe_client import (
    ANYWAY,
    AsyncNexusVibe,
    Conflict,
    InvalidKey,
    InvalidRequest,
    NexusVibe,
    NexusVibeError,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    Unreachable,
    models,
)

from tests.support.client import RequestFailed, connected
from tests.support.inprocess import LocalReplica
from tests.support.ports import reserved_port

ROOM = "shop-42"


@pytest.fixture
async def nexusvibe(replica: LocalReplica, key: str) -> AsyncIterator[AsyncNexusVibe]:
    async with AsyncNexusVibe(replica.url, key) as nexusvibe:
        yield nexusvibe


class FailsAfterwards(httpx.AsyncHTTPTransport):
    """Requests arrive, and the first answers get lost."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if self.times == 0:
            return response
        self.times -= 1
        await response.aread()
        raise httpx.ReadError("the connection was lost", request=request)


async def test_server_makes_a_room_lets_somebody_in_and_sends_them_away(
    replica: LocalReplica, nexusvibe: AsyncNexusVibe
) -> None:
    made = await nexusvibe.rooms.create(room=ROOM, policy={"capacity": 4}, attributes={"order": "1"})
    assert (made["policy"]["capacity"], made["live"]) == (4, None)
    minted = await nexusvibe.tokens.mint(room=ROOM, identity="ann", name="Ann", publish=["microphone"])
    async with connected(replica.ws_url) as ann:
        await ann.join(minted["token"])
        (person,) = [each async for each in nexusvibe.participants.list(ROOM)]
        assert (person["identity"], person["permissions"]["publish"]) == ("ann", ["microphone"])
        await nexusvibe.messages.send(ROOM, text="Welcome!")
        assert (await ann.hears("chat.message"))["message"]["text"] == "Welcome!"
        await nexusvibe.participants.kick(ROOM, person["id"], reason="Enough.")
        await ann.is_closed()
    async with connected(replica.ws_url) as again:
        with pytest.raises(RequestFailed, match="kicked"):
            await again.join(minted["token"])
    assert [ban["kind"] async for ban in nexusvibe.bans.list(ROOM, identity="ann")] == ["kick"]


async def test_threads_ask_the_same_as_asyncio(replica: LocalReplica, key: str) -> None:
    def in_a_thread() -> tuple[models.MintedToken, list[str], str]:
        with NexusVibe(replica.url, key) as nexusvibe:
            nexusvibe.rooms.create(room=ROOM)
            minted = nexusvibe.tokens.mint(room=ROOM, identity="ann")
            with pytest.raises(NotFound) as refused:
                nexusvibe.participants.kick(ROOM, "p_nobody")
            return minted, [room["room"] for room in nexusvibe.rooms.list()], refused.value.request_id

    minted, rooms, request_id = await asyncio.to_thread(in_a_thread)
    assert (minted["room"], rooms) == (ROOM, [ROOM])
    assert request_id.startswith("rq_")


async def test_of_two_administrators_the_later_is_told_and_changes_nothing(nexusvibe: AsyncNexusVibe) -> None:
    await nexusvibe.rooms.create(room=ROOM)
    seen = await nexusvibe.rooms.policy(ROOM)
    locked = await nexusvibe.rooms.update_policy(ROOM, seen, locked=True)
    with pytest.raises(PreconditionFailed):
        await nexusvibe.rooms.update_policy(ROOM, seen, capacity=2)
    assert await nexusvibe.rooms.policy(ROOM) == locked
    assert (await nexusvibe.rooms.update_policy(ROOM, ANYWAY, capacity=2)).value["locked"]


async def test_what_is_known_already_is_not_sent_again(nexusvibe: AsyncNexusVibe) -> None:
    await nexusvibe.rooms.create(room=ROOM, attributes={"order": "1"})
    known = await nexusvibe.rooms.attributes(ROOM)
    assert await nexusvibe.rooms.attributes(ROOM, known) is known
    changed = await nexusvibe.rooms.update_attributes(ROOM, known, {"order": None, "table": "7"})
    assert changed.value == {"attributes": {"table": "7"}}
    assert await nexusvibe.rooms.attributes(ROOM, known) == changed


async def test_lists_go_on_over_all_their_pages(nexusvibe: AsyncNexusVibe) -> None:
    names = [f"shop-{number:03}" for number in range(103)]
    await asyncio.gather(*(nexusvibe.rooms.create(room=name) for name in names))
    assert [room["room"] async for room in nexusvibe.rooms.list(prefix="shop-")] == names


async def test_lost_answer_is_asked_for_again_and_nothing_is_made_twice(replica: LocalReplica, key: str) -> None:
    async with AsyncNexusVibe(replica.url, key, transport=FailsAfterwards(2)) as nexusvibe:
        made = await nexusvibe.rooms.create()
        assert [room["room"] async for room in nexusvibe.rooms.list()] == [made["room"]]


async def test_what_is_no_question_and_makes_nothing_is_asked_once(replica: LocalReplica, key: str) -> None:
    lossy = FailsAfterwards(0)
    async with AsyncNexusVibe(replica.url, key, transport=lossy) as nexusvibe:
        await nexusvibe.rooms.create(room=ROOM)
        lossy.times = 1
        with pytest.raises(Unreachable):
            await nexusvibe.rooms.delete(ROOM)
        with pytest.raises(NotFound):
            await nexusvibe.rooms.get(ROOM)


async def test_same_idempotency_key_brings_the_same_token_and_refuses_another_request(
    nexusvibe: AsyncNexusVibe,
) -> None:
    first = await nexusvibe.tokens.mint(room=ROOM, identity="ann", idempotency_key="order-1")
    assert await nexusvibe.tokens.mint(room=ROOM, identity="ann", idempotency_key="order-1") == first
    with pytest.raises(Conflict) as refused:
        await nexusvibe.tokens.mint(room=ROOM, identity="bob", idempotency_key="order-1")
    assert (refused.value.code, refused.value.retryable) == ("idempotency_key_reused", False)


async def test_each_refusal_says_whose_fault_it_is(replica: LocalReplica, nexusvibe: AsyncNexusVibe) -> None:
    with pytest.raises(NotAllowed, match="shop-"):
        await nexusvibe.rooms.create(room="other")
    with pytest.raises(InvalidRequest):
        await nexusvibe.rooms.create(room=ROOM, policy={"capacity": 0})
    async with AsyncNexusVibe(replica.url, "nv_unknown_key") as stranger:
        with pytest.raises(InvalidKey):
            await stranger.rooms.get(ROOM)
    async with AsyncNexusVibe(f"http://127.0.0.1:{reserved_port()}", "nv_any_key") as nowhere:
        with pytest.raises(Unreachable) as lost:
            await nowhere.rooms.get(ROOM)
    assert isinstance(lost.value, NexusVibeError)


async def test_proxys_error_page_is_an_error_of_ours_and_is_tried_again() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(502, html="<h1>Bad Gateway</h1>")

    async with AsyncNexusVibe("http://proxy", "nv_a_b", transport=httpx.MockTransport(answer)) as nexusvibe:
        with pytest.raises(NexusVibeError, match="not_from_the_api"):
            await nexusvibe.rooms.get("../secret?")
    assert [request.url.raw_path for request in asked] == [b"/v1/rooms/..%2Fsecret%3F"] * 3


async def test_every_operation_has_a_method_and_every_model_a_type(replica: LocalReplica) -> None:
    asked: set[tuple[str, str]] = set()
    answer: dict[str, Any] = {"next": None, "rooms": [], "participants": [], "bans": [], "messages": []}

    def record(request: httpx.Request) -> httpx.Response:
        asked.add((request.method, request.url.path))
        return httpx.Response(200, json=answer, headers={"ETag": '"1"'})

    with NexusVibe(replica.url, "nv_a_b", transport=httpx.MockTransport(record)) as nexusvibe:
        families = [each for each in vars(nexusvibe).values() if type(each).__module__ == NexusVibe.__module__]
        for family in families:
            for _, method in inspect.getmembers(family, inspect.ismethod):
                if not method.__name__.startswith("_"):
                    list(call(method) or ())
    async with httpx.AsyncClient() as http:
        served = (await http.get(f"{replica.url}/v1/openapi.json")).json()
    operations = {(method.upper(), path) for path, methods in served["paths"].items() for method in methods}
    assert {(method, re.sub(r"\bX(\w+)", r"{\1}", path)) for method, path in asked} == operations
    assert {name for name in served["components"]["schemas"] if not hasattr(models, name)} == set()


def call(method: Callable[..., Any]) -> Any:
    """With stand-ins that name what they stand for, as `Xroom`."""
    given: dict[str, Any] = {"seen": ANYWAY, "changes": {}, "source": "camera"}
    needed = [
        each.name
        for each in inspect.signature(method).parameters.values()
        if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    found = method(**{name: given.get(name, f"X{name}") for name in needed})
    return found if inspect.isgenerator(found) else None
