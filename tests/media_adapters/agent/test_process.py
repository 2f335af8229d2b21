"""The SFU as a process: the death pact, what an earlier agent left behind, and pids that were given away since."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from media_adapters.agent.errors import SfuFailed
from media_adapters.agent.process import ProcessRecord, RunningSfu, death_pact, kill_leftover
from media_adapters.registry import SfuProcess

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change to another user")
DROP_ROOT = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--pdeathsig=keep")

# A stand-in for the agent: starts its arguments under the pact, tells the pid and waits to be killed.
PARENT = """
import asyncio, sys
from pathlib import Path
from media_adapters.agent.process import RunningSfu
from media_adapters.registry import SfuProcess

async def main():
    folder = Path(sys.argv[1])
    sfu = await RunningSfu.start(SfuProcess(argv=sys.argv[2:]), folder, folder / "sfu.json")
    print(sfu.pid, flush=True)
    await sfu.wait()

asyncio.run(main())
"""


@asynccontextmanager
async def sleeper(*, start_new_session: bool = False) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec("sleep", "1000", stdout=DEVNULL, start_new_session=start_new_session)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def gone(pid: int) -> None:
    async with asyncio.timeout(5):
        while ProcessRecord.of(pid):  # noqa: ASYNC110 -- it is nobody's child any more: nothing announces its end
            await asyncio.sleep(0.01)


def recorded(pid: int, folder: Path, **changes: object) -> Path:
    record = ProcessRecord.of(pid)
    assert record is not None
    file = folder / "sfu.json"
    file.write_text(record.model_copy(update=changes).model_dump_json())
    return file


@pytest.mark.parametrize("prefix", [(), pytest.param(DROP_ROOT, marks=AS_ROOT)], ids=["same user", "drops root"])
async def test_sfu_dies_with_an_agent_that_can_tidy_up_nothing(tmp_path: Path, prefix: tuple[str, ...]) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path), *prefix, "sleep", "1000"), stdout=PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    await became(pid, "sleep")
    parent.kill()
    await parent.wait()
    await gone(pid)


async def became(pid: int, program: str) -> None:
    async with asyncio.timeout(5):
        while Path(f"/proc/{pid}/comm").read_text().strip() != program:  # noqa: ASYNC110, ASYNC240 -- exec is silent
            await asyncio.sleep(0.01)


async def test_agent_that_died_before_the_pact_was_made_starts_no_sfu(tmp_path: Path) -> None:
    """The command names another parent than it has, as when it was handed to init meanwhile."""
    command = [str(os.getppid()) if part == str(os.getpid()) else part for part in death_pact(["touch", "started"])]
    process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path)
    assert await process.wait() != 0
    assert not (tmp_path / "started").exists()


async def test_leftover_of_an_earlier_agent_is_killed_with_its_group(tmp_path: Path) -> None:
    leader = await asyncio.create_subprocess_exec(
        "sh", "-c", "sleep 1000 & echo $!; wait", stdout=PIPE, start_new_session=True
    )
    assert leader.stdout is not None
    member = int(await leader.stdout.readline())
    file = recorded(leader.pid, tmp_path)
    await kill_leftover(file)
    assert await leader.wait() == -signal.SIGKILL
    await gone(member)


@pytest.mark.parametrize("changes", [{"started": 1}, {"boot": "another"}], ids=["recycled pid", "before a reboot"])
async def test_other_process_of_the_same_pid_is_spared(tmp_path: Path, changes: dict[str, object]) -> None:
    async with sleeper(start_new_session=True) as innocent:
        file = recorded(innocent.pid, tmp_path, **changes)
        await kill_leftover(file)
        assert ProcessRecord.of(innocent.pid) is not None


@pytest.mark.parametrize("text", ["", "{}", "noise"])
async def test_torn_record_of_an_earlier_agent_stops_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "sfu.json").write_text(text)
    await kill_leftover(tmp_path / "sfu.json")
    await kill_leftover(tmp_path / "missing.json")


async def test_process_that_is_gone_has_no_record() -> None:
    async with sleeper() as process:
        assert ProcessRecord.of(process.pid) == ProcessRecord.of(process.pid) is not None
        process.kill()
        await process.wait()
    assert ProcessRecord.of(process.pid) is None


async def test_sfu_that_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    argv = ["sh", "-c", "trap '' TERM; echo ready > ready; while :; do sleep 0.05; done"]
    running = await RunningSfu.start(SfuProcess(argv=argv), tmp_path, tmp_path / "sfu.json")
    await written(tmp_path / "ready")
    assert (tmp_path / "sfu.json").exists()
    await running.stop()
    assert await running.wait() == "was killed by SIGKILL"
    assert not (tmp_path / "sfu.json").exists()


async def written(file: Path) -> None:
    async with asyncio.timeout(5):
        while not file.exists():  # noqa: ASYNC110, ASYNC240 -- the shell has no other way to say it
            await asyncio.sleep(0.01)


async def test_agent_that_is_stopped_just_as_its_sfu_ends_stops(tmp_path: Path) -> None:
    sfu = await RunningSfu.start(SfuProcess(argv=["sleep", "1000"]), tmp_path, tmp_path / "sfu.json")

    async def stop_the_agent() -> None:
        await sfu._process.wait()
        stopping.cancel()

    agent = asyncio.create_task(stop_the_agent())
    stopping = asyncio.create_task(sfu.stop())
    with pytest.raises(asyncio.CancelledError):
        await stopping
    await agent


async def test_sfu_that_writes_a_lot_is_not_held_up_and_its_last_words_are_kept(tmp_path: Path) -> None:
    argv = ["sh", "-c", "yes chatter | head -c 1000000; echo 'no plugin found' >&2; exit 3"]
    running = await RunningSfu.start(SfuProcess(argv=argv), tmp_path, tmp_path / "sfu.json")
    assert await asyncio.wait_for(running.wait(), 10) == "exited with status 3"
    assert running.last_words().endswith("no plugin found")
    await running.stop()


async def test_sfu_gets_none_of_our_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUSVIBE_TOKEN_SECRET", "hush")
    sfu = SfuProcess(argv=["sh", "-c", "env > env.txt"], env={"GIVEN": "yes"})
    running = await RunningSfu.start(sfu, tmp_path, tmp_path / "sfu.json")
    await running.wait()
    await running.stop()
    given = (tmp_path / "env.txt").read_text()
    assert "hush" not in given
    assert "GIVEN=yes" in given


async def test_sfu_can_not_be_started_without_the_tool_that_binds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SfuFailed, match="can't be started"):
        await RunningSfu.start(SfuProcess(argv=["sleep", "1"]), tmp_path, tmp_path / "sfu.json")
