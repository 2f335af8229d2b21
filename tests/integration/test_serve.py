"""`nexusvibe serve` when it can't: one line that says what to do, and exit code 1."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from control_plane.nodes.identity import new_control_key
from tests.support.certificates import Pair, shown_at, until_shown
from tests.support.database import migrate
from tests.support.ports import reserved_port
from tests.support.processes import running_process
from tests.support.redis import running_redis

GOOD = {"TOKEN_SECRET": "a secret that is long enough for it", "CONTROL_KEY": new_control_key(), "PORT": "0"}


@pytest.fixture
async def good(tmp_path: Path) -> dict[str, str]:
    """Settings that lack nothing but a Redis that is there."""
    database_url = f"sqlite:///{tmp_path}/nexusvibe.db"
    await migrate(database_url)
    return GOOD | {"DATABASE_URL": database_url, "REDIS_URL": "unix:///nowhere/redis.sock"}


async def serve(settings: Mapping[str, str]) -> tuple[int | None, list[str]]:
    """The exit code, and what was said on stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "control_plane", "serve"),
        env={"PATH": os.environ["PATH"], **{f"NEXUSVIBE_{name}": value for name, value in settings.items()}},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(20):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode().splitlines()


async def test_without_redis_it_says_where_it_looked(good: dict[str, str]) -> None:
    code, said = await serve(good)
    assert code == 1
    assert said[-1].startswith("nexusvibe: There is no Redis at unix:///nowhere/redis.sock")
    assert "NEXUSVIBE_REDIS_URL" in said[-1]


async def test_a_redis_that_does_not_answer_is_given_up(good: dict[str, str]) -> None:
    async with running_redis() as redis:
        redis.stop()
        code, said = await serve(good | {"REDIS_URL": redis.url})
        redis.cont()
    assert code == 1
    assert "does not answer" in said[-1]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"TOKEN_SECRET": "short"}, "The token secret needs at least 32 bytes."),
        ({"CONTROL_KEY": "no key"}, "key"),
        ({"PORT": "99999"}, "NEXUSVIBE_PORT"),
        ({"LOG_LEVEL": "loud"}, "There is no log level"),
        ({"TLS_CERTIFICATE": "/etc/hostname"}, "belong together"),
        ({"TLS_CERTIFICATE": "/etc/hostname", "TLS_KEY": "/etc/hostname"}, "TLS certificate or key can't be used"),
    ],
)
async def test_a_wrong_setting_is_named(good: dict[str, str], wrong: dict[str, str], sentence: str) -> None:
    code, said = await serve(good | wrong)
    assert code == 1
    assert sentence in said[-1]
    assert len(said) == 1


async def test_a_missing_setting_is_named() -> None:
    code, said = await serve({})
    assert code == 1
    assert said == [
        (
            "nexusvibe: The settings are not complete. NEXUSVIBE_TOKEN_SECRET: Field required; "
            "NEXUSVIBE_CONTROL_KEY: Field required."
        )
    ]


async def test_a_renewed_certificate_is_served_without_a_restart(good: dict[str, str], tmp_path: Path) -> None:
    pair, port = Pair(tmp_path), reserved_port()
    tls = {"TLS_CERTIFICATE": str(pair.certificate), "TLS_KEY": str(pair.key), "PORT": str(port)}
    async with running_redis() as redis:
        settings = {f"NEXUSVIBE_{name}": value for name, value in (good | tls | {"REDIS_URL": redis.url}).items()}
        argv = (sys.executable, "-m", "control_plane", "serve")
        async with running_process("replica", *argv, cwd=tmp_path, env=settings) as replica:
            await replica.says("serving", 60)
            assert await shown_at(port) == pair.fingerprint
            pair.renew()
            replica.signal(signal.SIGHUP)
            await until_shown(port, pair.fingerprint)
            assert replica.exit_code is None


async def test_a_port_that_is_taken_is_named(good: dict[str, str]) -> None:
    async with running_redis() as redis:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            code, said = await serve(good | {"REDIS_URL": redis.url, "PORT": str(port)})
    assert code == 1
    assert said[-1].startswith(f"nexusvibe: Port {port} can't be used")
