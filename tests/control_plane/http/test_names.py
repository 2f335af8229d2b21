"""Names that mislead or that are endless, at every door by which one comes in."""

from typing import Any

import pytest

from tests.control_plane.http.conftest import ApiClient
from tests.support.client import RequestFailed, connected
from tests.support.inprocess import LocalReplica

MISLEADING = {
    "a control character": "Ann\x07", "a line of its own": "Ann\nAdmin", "an escape sequence": "\x1b[2JAnn",
    "a null": "Ann\0", "text that runs the other way": "\u202ennA", "an isolate": "Ann\u2066x\u2069",
    "a mark of direction": "Ann\u200f", "a separator of lines": "Ann\u2028Admin",
}  # fmt: skip
DOORS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "the name in a token": ("POST", "/v1/tokens", {"room": "demo", "name": "NAME"}),
    "the identity in a token": ("POST", "/v1/tokens", {"room": "demo", "identity": "NAME"}),
    "the name of a room": ("POST", "/v1/rooms", {"room": "NAME"}),
    "the name of an attribute": ("POST", "/v1/rooms", {"room": "x", "attributes": {"NAME": "1"}}),
    "who speaks": ("POST", "/v1/rooms/demo/messages", {"text": "hello", "name": "NAME"}),
    "who is banned": ("POST", "/v1/rooms/demo/bans", {"identity": "NAME"}),
    "why somebody is banned": ("POST", "/v1/rooms/demo/bans", {"identity": "x", "reason": "NAME"}),
}


def with_name(wish: Any, name: str) -> Any:
    if isinstance(wish, dict):
        return {with_name(key, name): with_name(value, name) for key, value in wish.items()}
    return name if wish == "NAME" else wish


@pytest.mark.parametrize("door", DOORS)
async def test_over_rest_no_name_misleads_and_none_is_endless(api: ApiClient, replica: LocalReplica, door: str) -> None:
    method, path, wish = DOORS[door]
    async with connected(replica.ws_url) as ann:
        await ann.join(replica.token("demo", "ann"))
        for what, name in MISLEADING.items():
            refused = await api.asks(method, path, with_name(wish, name))
            assert (what, refused.status, refused.code) == (what, 400, "invalid_request")
            assert name not in refused.body["detail"]
        assert (await api.asks(method, path, with_name(wish, "x" * 60_000))).code == "invalid_request"
        assert (await api.asks(method, path, with_name(wish, "x" * 900_000))).code == "too_large"


@pytest.mark.parametrize("what", MISLEADING)
async def test_nobody_joins_under_a_name_that_misleads(replica: LocalReplica, what: str) -> None:
    async with connected(replica.ws_url) as client:
        with pytest.raises(RequestFailed, match="invalid"):
            await client.join(replica.token("demo"), name=MISLEADING[what])
        await client.join(replica.token("demo"), name="Ann")


@pytest.mark.parametrize("what", ["too long", "endless"])
async def test_nobody_joins_under_a_name_without_end(replica: LocalReplica, what: str) -> None:
    async with connected(replica.ws_url) as client:
        with pytest.raises((RequestFailed, ConnectionError)):
            await client.join(replica.token("demo"), name="x" * (65 if what == "too long" else 10_000_000))


async def test_text_in_many_scripts_is_a_name(api: ApiClient, replica: LocalReplica) -> None:
    await api.asks("POST", "/v1/rooms", {"room": "demo"})
    for name in ("Ænn Ó Súilleabháin", "李小龍", "עברית", "محمد", "👩‍🚀 Ann"):
        minted = await api.asks("POST", "/v1/tokens", {"room": "demo", "identity": name, "name": name})
        async with connected(replica.ws_url) as client:
            await client.join(minted.body["token"])
            found = (await api.asks("GET", f"/v1/rooms/demo/participants/{client.id}")).body
            assert (found["name"], found["identity"]) == (name, name)
