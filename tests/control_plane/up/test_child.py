"""A supervised child, with real processes."""

import asyncio
import io
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path

import pytest

from control_plane.up import CannotStart
from control_plane.up.child import Child, Program
from control_plane.up.output import Printer


class Listener(Printer):
    """Hears what would be printed."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self._lines: asyncio.Queue[str] = asyncio.Queue()

    def line(self, source: str, text: str) -> None:
        self._lines.put_nowait(f"{source}: {text}")

    async def hears(self, part: str) -> str:
        async with asyncio.timeout(30):
            while part not in (line := await self._lines.get()):
                pass
            return line

    @property
    def has_more(self) -> bool:
        return not self._lines.empty()


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def failed() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Program]:
    def make(code: str, grace: float = 5.0) -> Program:
        setup = "import os, signal, subprocess, sys, time\n"
        return Program("node", (sys.executable, "-uc", setup + code), tmp_path, {"MOOD": "calm"}, grace)

    return make


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] not in "ZX"
    except FileNotFoundError:
        return False


async def until_dead(*pids: int) -> None:
    async with asyncio.timeout(5):
        while any(map(is_alive, pids)):  # noqa: ASYNC110 -- they are not our children: the kernel tells us nothing
            await asyncio.sleep(0.01)


async def pid_from(listener: Listener) -> int:
    return int((await listener.hears("pid ")).rsplit(" ", 1)[1])


async def test_output_is_passed_on_line_by_line_with_the_childs_name(
    listener: Listener, failed: asyncio.Future[None], program: Callable[..., Program]
) -> None:
    code = "os.write(1, b'one\\r\\ntw'); os.write(2, b'o \\xff\\n' + os.environ['MOOD'].encode()); time.sleep(60)"
    async with Child(program(code), listener, failed):
        assert await listener.hears("one") == "node: one"
        assert await listener.hears("two") == "node: two \N{REPLACEMENT CHARACTER}"
    assert await listener.hears("calm") == "node: calm"


async def test_death_before_it_was_ready_says_which_and_how(
    listener: Listener, failed: asyncio.Future[None], program: Callable[..., Program]
) -> None:
    async with Child(program("print('no such key'); sys.exit(3)"), listener, failed):
        with pytest.raises(CannotStart, match="node could not start: it ended with exit code 3"):
            await asyncio.wait_for(failed, 10)
    assert await listener.hears("no such key")


async def test_missing_program_says_what_brings_it(
    listener: Listener, failed: asyncio.Future[None], tmp_path: Path
) -> None:
    async with Child(Program("redis", ("no-such-server",), tmp_path, {}, 1.0), listener, failed):
        with pytest.raises(CannotStart, match="no-such-server is not installed here: `make setup` brings it"):
            await asyncio.wait_for(failed, 10)


async def test_killed_child_is_started_again(
    listener: Listener, failed: asyncio.Future[None], program: Callable[..., Program]
) -> None:
    async with Child(program("print('pid', os.getpid()); time.sleep(60)"), listener, failed) as child:
        first = await pid_from(listener)
        child.settle()
        os.kill(first, signal.SIGKILL)
        assert await listener.hears("again") == "up: node was killed by SIGKILL; starting it again in 0.25 s"
        second = await pid_from(listener)
        os.kill(second, signal.SIGKILL)
        assert "again in 0.5 s" in await listener.hears("again")
        third = await pid_from(listener)
        assert is_alive(third)
    assert not is_alive(third)


async def test_child_may_tidy_up_before_it_ends(
    listener: Listener, failed: asyncio.Future[None], program: Callable[..., Program]
) -> None:
    code = (
        "signal.signal(signal.SIGTERM, lambda *_: (print('tidied'), sys.exit()))\n"
        "print('pid', os.getpid())\ntime.sleep(60)"
    )
    async with Child(program(code), listener, failed):
        await pid_from(listener)
    assert await listener.hears("tidied")
    assert not listener.has_more


async def test_child_that_will_not_stop_is_killed_with_what_it_started(
    listener: Listener, failed: asyncio.Future[None], program: Callable[..., Program]
) -> None:
    code = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('pid', subprocess.Popen(['sleep', '60']).pid)\nprint('pid', os.getpid())\ntime.sleep(60)"
    )
    began = asyncio.get_running_loop().time()
    async with Child(program(code, grace=0.3), listener, failed):
        grandchild, pid = await pid_from(listener), await pid_from(listener)
    assert asyncio.get_running_loop().time() - began < 5
    assert await listener.hears("killing it") == "up: node did not stop in 0.3 s: killing it"
    assert not is_alive(pid)
    await until_dead(grandchild)


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from control_plane.up.child import Child, Program
from control_plane.up.output import Printer
async def main():
    failed = asyncio.get_running_loop().create_future()
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    async with Child(Program("node", (sys.executable, "-c", code), Path("."), {}, 1.0), Printer(), failed):
        await failed
asyncio.run(main())
"""


async def test_killed_supervisor_leaves_no_orphan() -> None:
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", SUPERVISOR, stdout=PIPE)
    assert supervisor.stdout is not None
    pid = int((await supervisor.stdout.readline()).split()[-1])
    assert is_alive(pid)
    supervisor.kill()
    await supervisor.wait()
    await until_dead(pid)
