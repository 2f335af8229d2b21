"""Whose pages may show rooms in a frame, and load the SDK."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr, ValidationError

from control_plane.http import application
from control_plane.http.api import Api
from control_plane.http.limits import KeyLimits
from control_plane.http.operation import Caller
from control_plane.http.traffic import HttpTraffic
from control_plane.settings import Settings


async def nobody(_: str) -> Caller:
    raise AssertionError("no request of these tests shows a key")


async def nothing(_: web.Request) -> web.Response:
    return web.Response()


@asynccontextmanager
async def pages(root: Path, *embed_origins: str) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """A replica's pages alone."""
    (root / "sdk").mkdir(exist_ok=True)
    (root / "index.html").write_text("<!doctype html>")
    (root / "sdk" / "nexusvibe.js").write_text("export {};")
    api = Api([], nobody, KeyLimits(1))
    app = application.build(
        signal=nothing, heartbeat=nothing, api=api, traffic=HttpTraffic(), web_root=root, embed_origins=embed_origins
    )
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_nobody_elses_page_shows_a_room_in_a_frame_unless_the_operator_says_so(tmp_path: Path) -> None:
    async with pages(tmp_path) as client:
        policy = (await client.get("/")).headers["Content-Security-Policy"]
    assert policy.endswith("; frame-ancestors 'self'")


async def test_pages_that_the_operator_names_may_show_rooms(tmp_path: Path) -> None:
    async with pages(tmp_path, "https://shop.example.org", "http://localhost:*") as client:
        policy = (await client.get("/")).headers["Content-Security-Policy"]
    assert policy.endswith("; frame-ancestors 'self' https://shop.example.org http://localhost:*")


async def test_any_page_may_load_the_sdk_and_nothing_else(tmp_path: Path) -> None:
    async with pages(tmp_path) as client:
        sdk = await client.get("/sdk/nexusvibe.js", headers={"Origin": "https://shop.example.org"})
        assert sdk.headers["Access-Control-Allow-Origin"] == "*"
        assert sdk.content_type in {"text/javascript", "application/javascript"}
        assert "Content-Security-Policy" in sdk.headers
        for path in ("/", "/v1/openapi.json"):
            assert "Access-Control-Allow-Origin" not in (await client.get(path)).headers


@pytest.mark.parametrize("origin", ["https://a.example; script-src *", "shop.example.org", "*", "https://a/path"])
def test_what_is_no_origin_ends_the_start(origin: str) -> None:
    with pytest.raises(ValidationError, match="embed_origins"):
        Settings(_env_file=None, token_secret=SecretStr("s" * 32), control_key=SecretStr("k"), embed_origins=[origin])
