"""One child process, kept running: started, its output passed on, restarted when it dies, stopped in time."""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from control_plane.up.errors import CannotStart
from control_plane.up.output import Printer

_PR_SET_PDEATHSIG = 1
_MAX_LINE = 16_384
_LAST_WORDS = 10
FIRST_DELAY, LONGEST_DELAY = 0.25, 8.0
STEADY_AFTER = 30.0
"""Seconds that a child must have run for its next death to be taken as the first one."""


@dataclass(frozen=True)
class Program:
    """What to run. `env` comes on top of ours. `grace`: seconds between asking it to stop and killing it.

    Of a `quiet` program only the last words are shown, when it died by itself.
    """

    name: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    grace: float
    quiet: bool = False


def die_with_parent() -> Callable[[], None]:
    """For `preexec_fn`: the child is killed when this process ends, even by SIGKILL (Linux, prctl(2))."""
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def in_child() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the pact was made
            os._exit(1)

    return in_child


class Child:
    """Runs `program` while the context is open.

    `failed` gets `CannotStart` when the program is not there, and when it dies before `settle` was called. Afterwards
    it is started again whenever it dies, with growing pauses from 0.25 to 8 s.
    """

    def __init__(self, program: Program, printer: Printer, failed: asyncio.Future[None]) -> None:
        self._program = program
        self._printer = printer
        self._failed = failed
        self._settled = False
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})

    def settle(self) -> None:
        """It came up well once: from now on it is restarted."""
        self._settled = True

    def signal(self, number: signal.Signals) -> None:
        """Pass a signal on, if the program runs just now."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        delay = FIRST_DELAY
        try:
            while True:
                began = loop.time()
                reason = await self._run()
                if not self._settled:
                    raise CannotStart(f"{self._program.name} could not start: it {reason}.")  # noqa: TRY301
                if loop.time() - began > STEADY_AFTER:
                    delay = FIRST_DELAY
                self._printer.note(f"{self._program.name} {reason}; starting it again in {delay:g} s")
                await asyncio.sleep(delay)
                delay = min(2 * delay, LONGEST_DELAY)
        except CannotStart as error:
            if not self._failed.done():
                self._failed.set_exception(error)

    async def _run(self) -> str:
        """Run the program once, to its end or ours. How it ended, for people."""
        process = self._process = await self._start()
        last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        passing_on = asyncio.create_task(
            self._pass_on(process, last_words.append if self._program.quiet else self._say)
        )
        try:
            code = await process.wait()
        finally:
            await self._end(process)
            # Its last words have a moment to arrive: something that it started may hold the pipe open.
            await asyncio.wait({passing_on}, timeout=0.2)
            passing_on.cancel()
        for line in last_words:
            self._say(line)
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def _say(self, line: str) -> None:
        self._printer.line(self._program.name, line)

    async def _start(self) -> Process:
        program = self._program
        try:
            return await asyncio.create_subprocess_exec(
                *program.argv,
                cwd=program.cwd,
                env={**os.environ, **program.env},
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is for us alone: we stop the children in order
                preexec_fn=die_with_parent(),
            )
        except FileNotFoundError as error:
            raise CannotStart(f"{program.argv[0]} is not installed here: `make setup` brings it.") from error

    async def _end(self, process: Process) -> None:
        """Stop it if it still runs, and whatever it left behind in its process group."""
        if process.returncode is None:
            process.terminate()
            _, running = await asyncio.wait({asyncio.ensure_future(process.wait())}, timeout=self._program.grace)
            if running:
                self._printer.note(f"{self._program.name} did not stop in {self._program.grace:g} s: killing it")
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def _pass_on(self, process: Process, say: Callable[[str], None]) -> None:
        output = process.stdout or asyncio.StreamReader()
        rest = b""
        while chunk := await output.read(65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _MAX_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                say(line.decode(errors="replace").rstrip())
        if rest:
            say(rest.decode(errors="replace"))
