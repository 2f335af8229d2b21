"""The SFU as a process of this machine: bound to the agent's life, found again after a crash.

Linux only: it relies on the parent-death signal, on /proc and on pidfds.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import structlog
from pydantic import ValidationError

from media_adapters.agent.errors import AgentFailed, SfuFailed
from media_adapters.models import Value
from media_adapters.registry import SfuProcess

log = structlog.get_logger()

_TERM_WAIT: Final = 2.0
_KILL_WAIT: Final = 5.0
_TAIL: Final = 4096
# Started with the agent's pid as $0: an agent that died before the pact was made leaves no SFU behind either.
_IF_PARENT_LIVES: Final = '[ "$PPID" = "$0" ] && exec "$@"'


def death_pact(argv: Sequence[str]) -> list[str]:
    """`argv` as a command that is killed with the process that starts it.

    The kernel clears the parent-death signal when the uid changes: a backend that drops root in `argv` must keep it
    (`setpriv --pdeathsig keep`).
    """
    return ["setpriv", "--pdeathsig", "KILL", "sh", "-c", _IF_PARENT_LIVES, str(os.getpid()), *argv]


# ── Across restarts ─────────────────────────────────────────────────────────────────────────────────────────────────


class ProcessRecord(Value):
    """A process that can't be confused with a later one of the same pid. `started` is in clock ticks since boot."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """None if there is no such process, or only its zombie."""
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = _stat(pid)
            if fields[0] not in {"Z", "X"}:
                return cls(pid=pid, started=int(fields[19]), boot=_boot_id())
        return None


async def kill_leftover(file: Path) -> None:
    """Kill the SFU that an earlier agent noted in `file`, with its process group, unless it is gone already."""
    if record := _read_record(file):
        with suppress(ProcessLookupError):
            await _kill_exactly(record)


def _write_record(pid: int, file: Path) -> None:
    if record := ProcessRecord.of(pid):
        file.write_text(record.model_dump_json())


def _read_record(file: Path) -> ProcessRecord | None:
    try:
        return ProcessRecord.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        log.warning("sfu_record_unreadable", file=file.name)
        return None


async def _kill_exactly(record: ProcessRecord) -> None:
    pidfd = os.pidfd_open(record.pid)  # from here on the pid can't be given to another process unnoticed
    try:
        if ProcessRecord.of(record.pid) != record:
            return
        log.warning("sfu_leftover_killed", pid=record.pid)
        os.killpg(record.pid, signal.SIGKILL)
        await _ended(pidfd, record.pid)
    finally:
        os.close(pidfd)


async def _ended(pidfd: int, pid: int) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        async with asyncio.timeout(_KILL_WAIT):
            await ended.wait()
    except TimeoutError as error:
        raise AgentFailed(f"Process {pid}, an earlier media server, can't be killed.") from error
    finally:
        loop.remove_reader(pidfd)


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third (state) on: the second, the name, may hold spaces and brackets."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


# ── Running ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class RunningSfu:
    """A started SFU. `record_file` names it for the next agent until it has ended."""

    def __init__(self, process: asyncio.subprocess.Process, record_file: Path) -> None:
        self._process, self._record_file = process, record_file
        self._tail = b""
        self._reader = asyncio.create_task(self._read_output())
        self.pid = process.pid

    @classmethod
    async def start(cls, sfu: SfuProcess, folder: Path, record_file: Path) -> Self:
        """Raises `SfuFailed`."""
        try:
            process = await asyncio.create_subprocess_exec(
                *death_pact(sfu.argv),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=folder,
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **sfu.env},  # none of our secrets
                start_new_session=True,
            )
        except OSError as error:
            raise SfuFailed(f"The media server can't be started: {error.strerror}.") from error
        _write_record(process.pid, record_file)
        return cls(process, record_file)

    async def wait(self) -> str:
        """Why it ended, once it has. Its last words, which may tell addresses, are not in it."""
        status = await self._process.wait()
        await self._reader
        return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"

    def last_words(self) -> str:
        lines = [line.strip() for line in self._tail.decode(errors="replace").splitlines() if line.strip()]
        return " | ".join(lines[-3:])

    async def stop(self) -> None:
        """End its process group: asked first, killed after 2 s."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_TERM_WAIT):  # `wait_for` may swallow a cancellation that meets the end
                await self._process.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()
        await self._reader
        self._record_file.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    async def _read_output(self) -> None:
        """Drain it, or a full pipe would stop the SFU. Only the end is kept, for a start that fails."""
        output = self._process.stdout
        while output is not None and (chunk := await output.read(65536)):
            self._tail = (self._tail + chunk)[-_TAIL:]
