"""Keeps one SFU running: starts it, connects the adapter, notices its death, and starts it again."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from media_adapters.agent.errors import AgentFailed, SfuFailed
from media_adapters.agent.process import RunningSfu
from media_adapters.contract import MediaNode
from media_adapters.errors import MediaError
from media_adapters.events import MediaEvent, SfuDied
from media_adapters.models import NodeDescription
from media_adapters.registry import Attachable, Backend, BackendSettings, BackendUnavailable

log = structlog.get_logger()

RESTART_DELAYS: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
_RELEASE_WAIT: Final = 5.0
HEALTHY_AFTER: Final = 60.0
"""Seconds of life after which an SFU's next death counts as its first."""


def restart_delays() -> Iterator[float]:
    """Seconds to wait before each next start."""
    yield from RESTART_DELAYS
    while True:
        yield RESTART_DELAYS[-1]


class SfuWatcher(Protocol):
    """Whom the supervisor tells. All are called in order and must not block."""

    def sfu_up(self, media: MediaNode, description: NodeDescription) -> None: ...

    def sfu_event(self, event: MediaEvent) -> None: ...

    def sfu_died(self, reason: str) -> None: ...


class Sfu(Protocol):
    """The media server of this node. `start` makes a process of ours; None when it runs without us."""

    name: str

    async def start(self, record_file: Path) -> RunningSfu | None: ...

    def connect(self) -> AbstractAsyncContextManager[MediaNode]: ...


class OwnSfu:
    """One that lives and dies with the agent."""

    def __init__(self, backend: Backend, settings: BackendSettings) -> None:
        self.name = backend.name
        self._backend, self._settings = backend, settings

    async def start(self, record_file: Path) -> RunningSfu | None:
        return await RunningSfu.start(self._backend.prepare(self._settings), self._settings.run_dir, record_file)

    def connect(self) -> AbstractAsyncContextManager[MediaNode]:
        return self._backend.connect(self._settings)


class AttachedSfu:
    """One that somebody else runs: its death and its silence are told by the connection."""

    def __init__(self, backend: Attachable, settings: BackendSettings, url: str) -> None:
        self.name = backend.name
        self._backend, self._settings, self._url = backend, settings, url

    async def start(self, record_file: Path) -> RunningSfu | None:  # noqa: ARG002 -- there is nothing to record
        return None

    def connect(self) -> AbstractAsyncContextManager[MediaNode]:
        return self._backend.attach(self._settings, self._url)


class Supervisor:
    def __init__(self, sfu: Sfu, watcher: SfuWatcher, *, record_file: Path) -> None:
        """`record_file` names the running SFU for the next agent."""
        self._sfu, self._watcher = sfu, watcher
        self._record_file = record_file
        self._up = self._was_up = False

    async def run(self) -> None:
        """Until cancelled. Raises `AgentFailed` when the SFU does not come up the first time."""
        delays, loop = restart_delays(), asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                await self._one_life()
            except (AgentFailed, BackendUnavailable, MediaError, OSError) as error:
                if not self._was_up:
                    raise self._start_failure(error) from error
                log.warning("sfu_not_started", error=type(error).__name__)
            if loop.time() - started > HEALTHY_AFTER:
                delays = restart_delays()
            await asyncio.sleep(next(delays))

    async def _one_life(self) -> None:
        running = await self._sfu.start(self._record_file)
        if running is not None:
            log.info("sfu_started", pid=running.pid)
        using = asyncio.create_task(self._use())
        exited = asyncio.create_task(running.wait()) if running is not None else None
        try:
            await asyncio.wait({using} | ({exited} if exited else set()), return_when=asyncio.FIRST_COMPLETED)
            if running is not None and exited is not None and exited.done():
                self._exited(running, exited.result())
            else:
                await using
        except asyncio.CancelledError:
            self._died("the agent stops")
            raise
        except Exception as error:
            self._died(f"the adapter failed: {type(error).__name__}")
            raise
        finally:
            await _released(using, *([exited] if exited else []))
            if running is not None:
                await running.stop()

    async def _use(self) -> None:
        """Serve through the adapter until it reports the SFU's death."""
        async with self._sfu.connect() as media:
            description, events = await media.describe(), media.events()
            self._up = self._was_up = True
            self._watcher.sfu_up(media, description)
            async for event in events:
                if isinstance(event, SfuDied):
                    self._died(event.reason)
                    return
                self._watcher.sfu_event(event)
            self._died("the adapter ended")

    def _exited(self, running: RunningSfu, reason: str) -> None:
        if not self._up:
            raise SfuFailed(f"{self._sfu.name} {reason} before it answered. It said: {running.last_words()}")
        self._died(f"{self._sfu.name} {reason}")

    def _died(self, reason: str) -> None:
        """Told at once, before anything is released: rooms move on this."""
        if self._up:
            self._up = False
            log.warning("sfu_died", reason=reason)
            self._watcher.sfu_died(reason)

    def _start_failure(self, error: Exception) -> AgentFailed:
        if isinstance(error, AgentFailed | BackendUnavailable):
            return AgentFailed(str(error))
        return AgentFailed(f"{self._sfu.name} can't be used: {error}")


async def _released(*tasks: asyncio.Task[Any]) -> None:
    """Cancel them and wait. What an adapter still has to complain about, once its SFU is dead, is of no interest."""
    for task in tasks:
        task.cancel()
    done, _ = await asyncio.wait(tasks, timeout=_RELEASE_WAIT)
    for task in done:
        if not task.cancelled():
            task.exception()
