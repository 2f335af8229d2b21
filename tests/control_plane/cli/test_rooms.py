"""`nexusvibe room` as an operator types it."""

import asyncio
import json
import subprocess
import sys

import pytest

from tests.control_plane.rooms.test_index import with_rooms
from tests.support.redis import RedisTarget


@pytest.fixture
def target(redis_target: RedisTarget, monkeypatch: pytest.MonkeyPatch) -> RedisTarget:
    """A Redis that the commands find."""
    monkeypatch.setenv("NEXUSVIBE_REDIS_URL", redis_target.url)
    monkeypatch.setenv("NEXUSVIBE_REDIS_CLUSTER", str(redis_target.cluster).lower())
    return redis_target


def make(target: RedisTarget, *names: str) -> None:
    async def act() -> None:
        async with target.connect() as redis:
            await with_rooms(redis, list(names))

    asyncio.run(act())


def nexusvibe(*arguments: str) -> tuple[int, str, str]:
    """As a program: exit code, what it printed, what it complained of."""
    done = subprocess.run(
        [sys.executable, "-m", "control_plane", *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_rooms_are_listed_shown_and_closed(target: RedisTarget) -> None:
    assert nexusvibe("room", "list") == (0, "There are no rooms now.\n", "")
    make(target, *(f"room{number:03}" for number in range(120)), "shop")

    _, listed, _ = nexusvibe("room", "list", "--json", "--prefix", "room")
    assert len(json.loads(listed)) == 120
    _, table, _ = nexusvibe("room", "list", "--limit", "2")
    assert [line.split()[0] for line in table.splitlines()] == ["ROOM", "room000", "room001"]

    code, shown, _ = nexusvibe("room", "show", "shop")
    assert (code, "ann" in shown) == (0, True)
    assert nexusvibe("room", "close", "shop")[0] == 0
    assert nexusvibe("room", "show", "shop") == (1, "", "nexusvibe: There is no room shop now.\n")


def test_a_redis_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUSVIBE_REDIS_URL", "unix:///nonexistent/redis.sock")
    code, printed, complaint = nexusvibe("room", "list")
    assert (code, printed, complaint.count("\n")) == (1, "", 1)
