"""`nexusvibe room`, `participant` and `message` as an operator types them, while people are in rooms."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pytest
from structlog.testing import capture_logs

from control_plane.__main__ import main
from control_plane.signaling.messages import CloseCode
from tests.support.client import Client, connected
from tests.support.inprocess import LocalReplica, local_node, local_replica
from tests.support.offers import offer, track_id
from tests.support.redis import RedisTarget


class Shell:
    """Runs commands on the replica's own Redis and database, as the program does."""

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, what it printed, what it complained of."""
        return await asyncio.to_thread(self._run, arguments)

    @staticmethod
    def _run(arguments: tuple[str, ...]) -> tuple[int, str, str]:
        printed, complaint = io.StringIO(), io.StringIO()
        # The replica of this process logs to stdout too.
        with capture_logs(), redirect_stdout(printed), redirect_stderr(complaint):
            try:
                code = main(arguments)
            except SystemExit as ended:
                code = int(ended.code or 0)
        return code, printed.getvalue(), complaint.getvalue()

    async def json(self, *arguments: str) -> Any:
        code, printed, complaint = await self(*arguments, "--json")
        assert code == 0, complaint
        return json.loads(printed)


@pytest.fixture
async def replica(redis_target: RedisTarget) -> AsyncIterator[LocalReplica]:
    async with local_node(redis_target, "n1"), local_replica(redis_target, "here", nodes=("n1", "n2")) as replica:
        yield replica


@pytest.fixture
def nexusvibe(redis_target: RedisTarget, replica: LocalReplica, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("NEXUSVIBE_REDIS_URL", redis_target.url)
    monkeypatch.setenv("NEXUSVIBE_REDIS_CLUSTER", str(redis_target.cluster).lower())
    monkeypatch.setenv("NEXUSVIBE_DATABASE_URL", replica.database_url)
    return Shell()


@pytest.fixture
async def ann(replica: LocalReplica) -> AsyncIterator[Client]:
    async with connected(replica.ws_url) as client:
        yield await client.join(replica.token("demo", "ann"))


async def test_rooms_are_made_run_listed_and_deleted(nexusvibe: Shell, ann: Client) -> None:
    made = await nexusvibe.json("room", "create", "shop", "--lobby", "--capacity", "7", "--lobby-timeout-s", "none")
    assert (made["policy"]["lobby"], made["policy"]["capacity"], made["live"]) == (True, 7, None)
    assert made["policy"]["lobby_timeout_s"] is None
    assert (await nexusvibe("room", "create", "shop"))[0] == 1

    assert (await nexusvibe.json("room", "policy", "demo", "--locked", "--capacity", "3"))["locked"] is True
    assert (await ann.hears("room.updated"))["policy"]["locked"] is True
    assert (await nexusvibe("room", "unlock", "demo"))[0] == 0
    assert (await ann.hears("room.updated"))["policy"]["locked"] is False
    assert (await nexusvibe.json("room", "policy", "demo"))["capacity"] == 3

    listed = await nexusvibe.json("room", "list")
    assert [(each["room"], each["participants"]) for each in listed] == [("demo", 1), ("shop", 0)]
    _, table, _ = await nexusvibe("room", "list", "--limit", "1")
    assert [line.split()[0] for line in table.splitlines()] == ["ROOM", "demo"]
    assert "capacity" in (await nexusvibe("room", "show", "demo"))[1]

    assert (await nexusvibe("room", "delete", "demo"))[0] == 0
    assert await ann.is_closed() == CloseCode.ENDED
    assert await nexusvibe("room", "show", "demo") == (1, "", "nexusvibe: There is no room demo.\n")
    assert (await nexusvibe("room", "close", "nowhere"))[0] == 1


async def test_people_are_muted_stopped_and_told_what_they_may_do(nexusvibe: Shell, ann: Client) -> None:
    await ann.asks("description", **offer("microphone", "camera"))
    for _ in range(2):
        await ann.hears("track.published")
    assert (await nexusvibe("participant", "mute", "demo", "ann", "microphone"))[0] == 0
    assert (await ann.hears("track.updated"))["track"]["muted"] is True
    assert (await nexusvibe("participant", "stop", "demo", ann.id, track_id("alice", "camera")))[0] == 0
    assert (await ann.hears("track.ended"))["track"] == track_id("alice", "camera")
    may = await nexusvibe.json("participant", "permissions", "demo", "ann", "--publish", "camera", "--no-chat")
    assert (may["publish"], may["chat"], may["subscribe"]) == (["camera"], False, True)
    (listed,) = await nexusvibe.json("participant", "list", "demo")
    assert (listed["id"], listed["permissions"], listed["tracks"]) == (ann.id, may, [])
    assert "may publish" in (await nexusvibe("participant", "show", "demo", "ann"))[1]
    code, _, complaint = await nexusvibe("participant", "mute", "demo", "eve", "camera")
    assert (code, complaint) == (1, "nexusvibe: There is no eve in room demo now.\n")


async def test_people_are_kicked_banned_and_let_in_again(nexusvibe: Shell, ann: Client, replica: LocalReplica) -> None:
    assert (await nexusvibe("participant", "kick", "demo", "ann", "--reason", "noise"))[0] == 0
    assert await ann.is_closed() == CloseCode.ENDED
    assert (await nexusvibe.json("participant", "ban", "demo", "eve", "--for", "24h"))["identity"] == "eve"
    held = await nexusvibe.json("participant", "bans", "demo")
    assert sorted((each["identity"], each["kind"], each["created_by"]) for each in held) == [
        ("ann", "kick", "operator"),
        ("eve", "ban", "operator"),
    ]
    for name in ("ann", "eve"):
        assert (await nexusvibe("participant", "unban", "demo", name))[0] == 0
    assert "Nobody is kept out" in (await nexusvibe("participant", "bans", "demo"))[1]
    assert (await nexusvibe("participant", "unban", "demo", "eve"))[0] == 1
    async with connected(replica.ws_url) as again:
        await again.join(replica.token("demo", "ann"))


async def test_the_service_says_something_to_a_room(nexusvibe: Shell, ann: Client) -> None:
    said = await nexusvibe.json("message", "send", "demo", "It is noon.", "--name", "Clock")
    assert (await ann.hears("chat.message"))["message"]["id"] == said["id"]
    await ann.asks("chat", text="\x1b[31mred")
    _, table, _ = await nexusvibe("message", "list", "demo")
    assert "It is noon." in table
    assert "\x1b" not in table
    assert (await nexusvibe("message", "send", "nowhere", "x"))[0] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ("room", "create", "a b"), ("room", "create", "x", "--capacity", "many"),
        ("room", "policy", "x", "--topology", "y"),
        ("participant", "mute", "demo", "ann", "nose"), ("participant", "ban", "demo", "ann", "--for", "soon"),
        ("participant", "kick", "demo", "ann", "--reason", "\x1b[2J"), ("message", "send", "demo", ""),
        ("message", "send", "demo", "x", "--name", "\u202ex"),
    ],
)  # fmt: skip
async def test_wrong_usage_is_exit_code_2(wrong: tuple[str, ...]) -> None:
    assert (await Shell()(*wrong))[0] == 2


async def test_a_policy_that_can_not_be_is_one_line(nexusvibe: Shell) -> None:
    code, _, complaint = await nexusvibe("room", "create", "x", "--capacity", "0")
    assert (code, complaint.count("\n")) == (1, 1)
    assert complaint.startswith("nexusvibe: This policy can't be: capacity")


async def test_a_redis_that_is_not_there_is_one_line(nexusvibe: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUSVIBE_REDIS_URL", "unix:///nonexistent/redis.sock")
    code, printed, complaint = await nexusvibe("room", "list")
    assert (code, printed, complaint.count("\n")) == (1, "", 1)


async def test_a_room_is_moved_and_told_where_it_is(nexusvibe: Shell, redis_target: RedisTarget, ann: Client) -> None:
    async with local_node(redis_target, "n2"):
        code, _, complaint = await nexusvibe("room", "move", "demo", "--node", "n1")
        assert (code, complaint) == (1, "nexusvibe: Room demo is on n1 already.\n")
        moving = asyncio.create_task(nexusvibe("room", "move", "demo", "--node", "n2"))
        placed = await ann.hears("placement")
        assert (await nexusvibe.json("room", "show", "demo"))["live"]["moving"]
        await ann.asks("ready", epoch=placed["placement"]["epoch"])
        assert (await moving)[1] == "Room demo is on n2 (recorder) now.\n"
        shown = (await nexusvibe.json("room", "show", "demo"))["live"]
        assert (shown["node"], shown["moving"]) == ("n2", False)


async def test_why_a_room_is_where_it_is_can_be_read(nexusvibe: Shell, replica: LocalReplica) -> None:
    assert (await nexusvibe("room", "explain", "call"))[0] == 1
    async with connected(replica.ws_url) as ben:
        await ben.join(replica.token("call", "ben"), region="mars")
        code, printed, _ = await nexusvibe("room", "explain", "call")
        told = await nexusvibe.json("room", "explain", "call")
    assert code == 0
    assert "Room call is on n1 now." in printed
    assert "its first node, 6 streams" in printed
    assert "mars (no node is there: any region is as near)" in printed
    assert [decision["node"] for decision in told["decisions"]] == ["n1"]
