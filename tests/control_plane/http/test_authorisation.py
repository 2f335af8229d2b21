"""Who may ask what over REST: every kind of caller, every operation. The table is the test."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from control_plane.access.keys import ApiKeys
from control_plane.access.tokens import Grants, RoomTokens
from control_plane.database import Database
from tests.control_plane.http.conftest import ApiClient
from tests.support.client import Client, connected
from tests.support.inprocess import TOKEN_SECRET, LocalReplica
from tests.support.offers import offer, track_id

ROOM = "shop-1"


@dataclass(frozen=True)
class Ask:
    """A request that a key for the room may make while `WHO` is in it, and what comes of it."""

    method: str
    path: str
    answer: int
    body: Any = None
    conditional: bool = False


def of_room(method: str, path: str, answer: int, body: Any = None, *, conditional: bool = False) -> Ask:
    return Ask(method, f"/v1/rooms/{ROOM}{path}", answer, body, conditional)


def of_person(method: str, path: str, answer: int, body: Any = None, *, conditional: bool = False) -> Ask:
    return of_room(method, f"/participants/WHO{path}", answer, body, conditional=conditional)


OPERATIONS = {
    "mintToken": Ask("POST", "/v1/tokens", 201, {"room": ROOM}),
    "createRoom": Ask("POST", "/v1/rooms", 201, {"room": ROOM}),
    "listRooms": Ask("GET", "/v1/rooms?prefix=shop-", 200),
    "getRoom": of_room("GET", "", 200),
    "explainPlacement": of_room("GET", "/placement", 200),
    "moveRoom": of_room("POST", "/move", 404, {"node": "nowhere"}),
    "getRoomUsage": of_room("GET", "/usage", 200),
    "getRoomPolicy": of_room("GET", "/policy", 200),
    "updateRoomPolicy": of_room("PATCH", "/policy", 200, {"capacity": 50}, conditional=True),
    "getRoomAttributes": of_room("GET", "/attributes", 200),
    "updateRoomAttributes": of_room("PATCH", "/attributes", 200, {"attributes": {"a": "1"}}, conditional=True),
    "listParticipants": of_room("GET", "/participants", 200),
    "getParticipant": of_person("GET", "", 200),
    "getParticipantPermissions": of_person("GET", "/permissions", 200),
    "updateParticipantPermissions": of_person("PATCH", "/permissions", 200, {"chat": False}, conditional=True),
    "getParticipantAttributes": of_person("GET", "/attributes", 200),
    "updateParticipantAttributes": of_person("PATCH", "/attributes", 200, {"attributes": {"a": "1"}}, conditional=True),
    "muteParticipant": of_person("POST", "/mute", 204, {"source": "microphone"}),
    "muteTrack": of_person("POST", f"/tracks/{track_id('alice', 'microphone')}/mute", 204),
    "stopTrack": of_person("DELETE", f"/tracks/{track_id('alice', 'microphone')}", 204),
    "lowerHand": of_person("DELETE", "/hand", 204),
    "admitParticipant": of_person("POST", "/admit", 404),
    "denyParticipant": of_person("POST", "/deny", 404),
    "listMessages": of_room("GET", "/messages", 200),
    "sendMessage": of_room("POST", "/messages", 201, {"text": "hello"}),
    "listBans": of_room("GET", "/bans", 200),
    "createBan": of_room("POST", "/bans", 201, {"identity": "eve"}),
    "deleteBan": of_room("DELETE", "/bans/b_unknown", 404),
    "kickParticipant": of_person("POST", "/kick", 204, {}),
    "banParticipant": of_person("POST", "/ban", 201, {}),
    "closeRoom": of_room("POST", "/close", 204),
    "deleteRoom": of_room("DELETE", "", 204),
}


OF_NO_ROOM = {"getIceServers": Ask("GET", "/v1/ice-servers?user=ann", 200)}


async def key(
    replica: LocalReplica, prefix: str = "", expires: timedelta | None = None, *, revoked: bool = False
) -> str:
    async with Database.connect(replica.database_url) as database:
        keys = ApiKeys(database)
        made, shown = await keys.create("test", prefix, expires)
        if revoked:
            await keys.revoke(made.id)
    return f"Bearer {shown}"


async def room_token(_: LocalReplica, **grants: Any) -> str:
    claims = {"room": ROOM, "sub": "ann", **grants}
    return f"Bearer {RoomTokens(TOKEN_SECRET).mint(Grants.model_validate(claims))}"


async def of_nobody(_: LocalReplica) -> str:
    return "Bearer nv_0123456789ab_" + "x" * 43


Caller = Callable[[LocalReplica], Awaitable[str]]
REFUSED: dict[str, tuple[Caller, int, str]] = {
    "nobody's key": (of_nobody, 401, "invalid_key"),
    "a revoked key": (lambda replica: key(replica, revoked=True), 401, "invalid_key"),
    "a key that has run out": (lambda replica: key(replica, expires=timedelta(seconds=-1)), 401, "invalid_key"),
    "a room token": (room_token, 401, "invalid_key"),
    "a moderator's room token": (lambda replica: room_token(replica, moderate=True), 401, "invalid_key"),
    "a key for other rooms": (lambda replica: key(replica, "school-"), 403, "not_allowed"),
    "a key for a longer name": (lambda replica: key(replica, f"{ROOM}1"), 403, "not_allowed"),
}
ALLOWED: dict[str, Caller] = {
    "a key for all rooms": key,
    "a key for rooms that begin so": lambda replica: key(replica, "shop-"),
    "a key for this room": lambda replica: key(replica, ROOM),
}


async def ask(api: ApiClient, ask: Ask, who: str, authorization: str) -> Any:
    headers = {"If_Match": "*"} if ask.conditional else {}
    path = ask.path.replace("WHO", who)
    if ask.path.endswith("prefix=shop-") and authorization.startswith("Bearer nv_"):
        path = f"/v1/rooms?prefix={ROOM}"
    return await api.with_key("").asks(ask.method, path, ask.body, Authorization=authorization, **headers)


async def somebody(client: Client, replica: LocalReplica) -> Client:
    await client.join(replica.token(ROOM, "ann"))
    await client.asks("description", **offer("microphone"))
    await client.hears("track.published")
    return client


async def test_the_table_knows_every_operation(api: ApiClient) -> None:
    paths = (await api.asks("GET", "/v1/openapi.json")).body["paths"]
    described = {each["operationId"] for operations in paths.values() for each in operations.values()}
    assert described == {*OPERATIONS, *OF_NO_ROOM}


@pytest.mark.parametrize("caller", [*REFUSED, *ALLOWED])
async def test_what_is_of_no_room_is_for_every_key_that_holds(
    api: ApiClient, replica: LocalReplica, caller: str
) -> None:
    make, status, _ = REFUSED.get(caller) or (ALLOWED[caller], 200, "")
    authorization = await make(replica)
    for name, operation in OF_NO_ROOM.items():
        answer = await ask(api, operation, "nobody", authorization)
        assert (name, answer.status) == (name, operation.answer if status == 403 else status)


@pytest.mark.parametrize("caller", REFUSED)
async def test_who_may_not_ask_is_told_nothing_and_nothing_happens(
    api: ApiClient, replica: LocalReplica, caller: str
) -> None:
    make, status, code = REFUSED[caller]
    authorization = await make(replica)
    async with connected(replica.ws_url) as client:
        ann = await somebody(client, replica)
        for name, operation in OPERATIONS.items():
            refused = await ask(api, operation, ann.id, authorization)
            assert (name, refused.status, refused.code) == (name, status, code)
        rooms = (await api.asks("GET", f"/v1/rooms/{ROOM}/participants")).body["participants"]
        assert [(each["id"], each["permissions"]["chat"], len(each["tracks"])) for each in rooms] == [(ann.id, True, 1)]
        assert not (await api.asks("GET", f"/v1/rooms/{ROOM}/messages")).body["messages"]
        assert not (await api.asks("GET", f"/v1/rooms/{ROOM}/bans")).body["bans"]


@pytest.mark.parametrize("caller", ALLOWED)
async def test_who_may_ask_is_answered(api: ApiClient, replica: LocalReplica, caller: str) -> None:
    authorization = await ALLOWED[caller](replica)
    async with connected(replica.ws_url) as client:
        ann = await somebody(client, replica)
        for name, operation in list(OPERATIONS.items())[:-4]:
            assert (name, (await ask(api, operation, ann.id, authorization)).status) == (name, operation.answer)
    for name, operation in list(OPERATIONS.items())[-4:]:  # each ends the stay
        async with connected(replica.ws_url) as client:
            ann = await somebody(client, replica)
            assert (name, (await ask(api, operation, ann.id, authorization)).status) == (name, operation.answer)
            await client.is_closed()
        for ban in (await api.asks("GET", f"/v1/rooms/{ROOM}/bans?identity=ann")).body["bans"]:
            assert (await api.asks("DELETE", f"/v1/rooms/{ROOM}/bans/{ban['id']}")).status == 204
