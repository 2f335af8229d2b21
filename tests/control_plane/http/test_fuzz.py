"""Whatever somebody sends, the API answers as its own description says, while people are in the rooms it is about."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from control_plane.access.tokens import Grants, RoomTokens
from control_plane.ids import Identity
from tests.control_plane.http.conftest import ApiClient
from tests.support.client import RequestFailed, connected
from tests.support.inprocess import TOKEN_SECRET, LocalReplica
from tests.support.offers import offer, track_id

CASES = 8
SECONDS = 300
HOOKS = "tests.support.fuzz_hooks"
# A change that does not say of what, and one of what has changed since, are refused as HTTP has it.
CONFIG = """
[checks]
missing_required_header.expected-statuses = ["400", "401", "403", "406", "415", "422", "428"]
positive_data_acceptance.expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"]
"""


@pytest.mark.timeout(SECONDS + 30)
async def test_no_request_is_answered_by_a_fault_or_by_what_is_not_documented(
    api: ApiClient, replica: LocalReplica, tmp_path: Path
) -> None:
    there = tmp_path / "there.json"
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    argv = ["run", f"{api.url}/v1/openapi.json", "-H", f"Authorization: Bearer {api.key}", "--checks", "all"]
    argv += ["--max-examples", str(CASES), "--seed", "1", "--warnings", "off", "--request-timeout", "10"]
    known = {"SCHEMATHESIS_HOOKS": HOOKS, "FUZZ_THERE": str(there), "PYTHONPATH": str(Path.cwd())}
    async with people_in_a_room(replica, there):
        fuzzer = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"), *argv,
            cwd=tmp_path, env=os.environ | known, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(SECONDS):
                output, _ = await fuzzer.communicate()
        finally:
            if fuzzer.returncode is None:
                fuzzer.kill()
                await fuzzer.wait()
    assert fuzzer.returncode == 0, output.decode()


@asynccontextmanager
async def people_in_a_room(replica: LocalReplica, there: Path) -> AsyncIterator[None]:
    """Somebody is in `demo`, whatever is done to them; `there` says who."""
    arrived = asyncio.Event()
    task = asyncio.create_task(_come_again(replica, there, arrived))
    try:
        await arrived.wait()
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _come_again(replica: LocalReplica, there: Path, arrived: asyncio.Event) -> None:
    for number in count():
        # Somebody else each time, for who was kicked stays out; moderators are let into locked rooms.
        grants = Grants(room="demo", identity=Identity(f"p{number}"), name="somebody", moderate=True)
        async with connected(replica.ws_url) as client:
            try:
                await client.join(RoomTokens(TOKEN_SECRET).mint(grants))
                await client.asks("description", **offer("microphone"))
            except (RequestFailed, ConnectionError):
                await asyncio.sleep(0.05)
                continue
            names = {"room": "demo", "participant": client.id, "track": track_id("alice", "microphone")}
            there.write_text(json.dumps(names))  # noqa: ASYNC240 -- a few bytes, in a test
            arrived.set()
            await asyncio.shield(client.closed)
