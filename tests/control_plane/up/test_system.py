"""`nexusvibe up` as a person runs it: real Redis, Janus and replica, on a free port."""

import asyncio
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.support.processes import RunningProcess, running_process


@pytest.fixture
def page(tmp_path: Path) -> Path:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text("<title>NexusVibe</title>")
    return folder


@asynccontextmanager
async def running_up(tmp_path: Path, page: Path, port: int = 0, *more: str) -> AsyncIterator[RunningProcess]:
    options = ("--port", str(port), "--no-open", "--data-dir", str(tmp_path / "state"), "--web-root", str(page))
    argv = (sys.executable, "-m", "control_plane", "up", *options, *more)
    # What a killed supervisor leaves of files goes with this folder, whose path is short for Redis's socket.
    with tempfile.TemporaryDirectory(prefix="nv-") as scratch:
        os.chmod(scratch, 0o711)  # noqa: PTH101, S103 -- Janus passes through as another user
        async with running_process("up", *argv, cwd=tmp_path, env={"TMPDIR": scratch}) as up:
            yield up


async def link_of(up: RunningProcess) -> tuple[str, str]:
    """The page's address and the token."""
    found = re.search(r"(http://localhost:\d+/)#token=(\S+)", await up.says("/#token=", 40))
    assert found is not None
    return found[1], found[2]


def descendants(pid: int) -> dict[int, str]:
    """Everything that `pid` started, and what that started: command lines by pid."""
    found: dict[int, str] = {}
    for child in children(pid):
        found[child] = command_of(child)
        found |= descendants(child)
    return found


def children(pid: int) -> Iterator[int]:
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (task / "children").read_text().split())
    except FileNotFoundError:
        return


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except FileNotFoundError:
        return ""


def working_folder(pid: int) -> Path:
    return Path(f"/proc/{pid}/cwd").readlink()


def is_there(path: Path) -> bool:
    return path.exists()


async def until_gone(pids: dict[int, str], seconds: float = 5) -> None:
    try:
        async with asyncio.timeout(seconds):
            # They are not our children: the kernel tells us nothing.
            while any(command_of(pid) == command for pid, command in pids.items()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"still there: {[pid for pid, command in pids.items() if command_of(pid) == command]} of {pids}")


def the_one(pids: dict[int, str], part: str) -> int:
    (pid,) = (pid for pid, command in pids.items() if part in command)
    return pid


SFU_PROCESS = {"janus": "janus", "mediasoup": "mediasoup-worker --"}


async def test_it_comes_up_with_one_link_and_goes_without_a_trace(tmp_path: Path, page: Path, backend: str) -> None:
    async with running_up(tmp_path, page, 0, "--sfu", backend) as up:
        url, _ = await link_of(up)
        assert sum("#token=" in line for line in up.lines) == 1
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert "NexusVibe" in await response.text()
        started = descendants(up.pid)
        run_dir = working_folder(the_one(started, "redis-server"))
        for name in ("redis-server", "media_adapters.agent", " serve"):
            the_one(started, name)
        assert any(SFU_PROCESS[backend] in command for command in started.values())
        began = asyncio.get_running_loop().time()
        assert await up.stop() == 0
        assert asyncio.get_running_loop().time() - began < 5
        await until_gone(started, seconds=0.5)
    assert not is_there(run_dir)
    assert not any("killing it" in line for line in up.lines)


async def test_a_link_of_yesterday_still_opens_the_room_today(tmp_path: Path, page: Path) -> None:
    async with running_up(tmp_path, page) as up:
        _, token = await link_of(up)
    async with running_up(tmp_path, page) as up:
        url, _ = await link_of(up)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url.replace("http", "ws") + "v1/signal", protocols=["nexusvibe.v1"]) as socket,
        ):
            await socket.send_json({"type": "join", "id": 1, "token": token, "name": "Ada"})
            reply = await socket.receive_json(timeout=10)
    assert reply["type"] == "reply"
    assert reply["result"]["snapshot"]["room"] == "demo"


@pytest.mark.faults
async def test_killed_supervisor_takes_everything_with_it(tmp_path: Path, page: Path) -> None:
    async with running_up(tmp_path, page) as up:
        await link_of(up)
        started = descendants(up.pid)
        await up.kill()
        await until_gone(started)


@pytest.mark.faults
@pytest.mark.parametrize("part", ["media_adapters.agent", " serve", "redis-server"])
async def test_part_that_dies_is_named_and_started_again(tmp_path: Path, page: Path, part: str) -> None:
    async with running_up(tmp_path, page) as up:
        url, _ = await link_of(up)
        os.kill(the_one(descendants(up.pid), part), signal.SIGKILL)
        await up.says("was killed by SIGKILL; starting it again in 0.25 s")
        async with asyncio.timeout(20), aiohttp.ClientSession() as session:
            whole = {"janus", "redis-server", " serve"}
            while not (the_parts(up.pid) >= whole and await is_ready(session, url)):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert up.exit_code is None


def the_parts(pid: int) -> set[str]:
    commands = descendants(pid).values()
    return {part for part in ("janus", "redis-server", " serve") if any(part in command for command in commands)}


async def is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url + "readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def test_taken_port_says_which_and_how_to_choose_another(tmp_path: Path, page: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with running_up(tmp_path, page, port) as up:
            assert await up.ended() == 1
    assert up.lines == [
        f"nexusvibe: port {port} is taken. Choose another with --port, as in `make up PORT={port + 1}`."
    ]


async def test_page_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    async with running_up(tmp_path, tmp_path / "nowhere") as up:
        assert await up.ended() == 1
    assert len(up.lines) == 1
    assert up.lines[0].endswith("(" + str(tmp_path / "nowhere") + " has no index.html): `make up` builds it.")


async def test_part_that_can_not_start_is_named_and_nothing_is_left(
    tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "redis-server").symlink_to("/bin/false")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    async with running_up(tmp_path, page) as up:
        assert await up.ended() == 1
        assert up.lines[-1] == "nexusvibe: redis could not start: it ended with exit code 1."


async def test_media_server_that_is_not_installed_is_named_with_those_that_are(tmp_path: Path, page: Path) -> None:
    async with running_up(tmp_path, page, 0, "--sfu", "pigeons") as up:
        assert await up.ended() == 1
    told = next(line for line in up.lines if "pigeons" in line)
    assert re.search(r"There is no media backend called 'pigeons'. Installed: .*janus", told)
    assert up.lines[-1] == "nexusvibe: node could not start: it ended with exit code 1."
