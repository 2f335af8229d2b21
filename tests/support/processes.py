"""Real processes of ours in tests: started in a folder of their own, listened to, frozen, killed, never left behind."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path

from control_plane.up.child import die_with_parent

STOP_SECONDS = 60.0


class RunningProcess:
    """A process with its output. All that it prints shows up under the failing test, behind its name."""

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self.pid = process.pid
        self.lines: list[str] = []
        self._process = process
        self._news = asyncio.Condition()
        self._silent = False
        self._listening = asyncio.create_task(self._listen())

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._process.returncode

    async def says(self, part: str, seconds: float = 60.0, *, times: int = 1) -> str:
        """The first line with `part`, or the one after so many `times`, said already or within `seconds`."""

        def found() -> str | None:
            return next(islice((line for line in self.lines if part in line), times - 1, None), None)

        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: found() or self._silent)
        if (line := found()) is None:
            raise AssertionError(f"{self.name} ended without saying {part!r}:\n" + "\n".join(self.lines))
        return line

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def freeze(self) -> None:
        """Nothing runs in it any more; its connections stay open."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    async def kill(self) -> None:
        """SIGKILL: it can tidy up nothing. Returns when it is gone."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def says_no_more(self) -> list[str]:
        """All that it said, once it and whatever holds its output have ended."""
        async with asyncio.timeout(STOP_SECONDS), self._news:
            await self._news.wait_for(lambda: self._silent)
        return self.lines

    async def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Ask it to end. Its exit code. Raises `AssertionError` when it does not end in time."""
        self.signal(signal.SIGTERM)
        return await self.ended(seconds)

    async def ended(self, seconds: float = STOP_SECONDS) -> int:
        try:
            async with asyncio.timeout(seconds):
                return await self._process.wait()
        except TimeoutError as error:
            raise AssertionError(f"{self.name} did not end within {seconds:g} s.") from error

    async def close(self) -> None:
        """Stop it if it runs, and end all of its process group and listening."""
        self.thaw()
        try:
            if self.exit_code is None:
                await self.stop()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            await self._process.wait()
            await asyncio.wait({self._listening}, timeout=1)
            self._listening.cancel()

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            async for line in self._process.stdout:
                self.lines.append(line.decode(errors="replace").rstrip())
                sys.stdout.write(f"{self.name} │ {self.lines[-1]}\n")
                async with self._news:
                    self._news.notify_all()
        finally:
            self._silent = True
            async with self._news:
                self._news.notify_all()


@asynccontextmanager
async def running_process(
    name: str, *argv: str, cwd: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[RunningProcess]:
    """Start it, and end it with the context. Settings that this machine has for itself do not reach it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NEXUSVIBE_")}
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=cwd,
        env={**inherited, **(env or {})},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        limit=1 << 20,
        start_new_session=True,
        preexec_fn=die_with_parent(),
    )
    running = RunningProcess(name, process)
    try:
        yield running
    finally:
        await running.close()
