"""Keeps one SFU running: starts it, connects the adapter, notices its death, and starts it again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from media_adapters.agent.errors import AgentFailed, SfuFailed
from media_adapters.agent.process import RunningSfu, kill_leftover
from media_adapters.contract import MediaNode
from media_adapters.errors import MediaError
from media_adapters.events import MediaEvent, SfuDied
from media_adapters.models import NodeDescription
from media_adapters.registry import Backend, BackendSettings, BackendUnavailable

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


class Supervisor:
    def __init__(self, backend: Backend, settings: BackendSettings, watcher: SfuWatcher, *, record_file: Path) -> None:
        """`record_file` names the running SFU for the next agent."""
        self._backend, self._settings, self._watcher = backend, settings, watcher
        self._record_file = record_file
        self._up = self._was_up = False

    async def run(self) -> None:
        """Until cancelled. Raises `AgentFailed` when the SFU does not come up the first time."""
        await kill_leftover(self._record_file)
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
        sfu = self._backend.prepare(self._settings)
        running = await RunningSfu.start(sfu, self._settings.run_dir, self._record_file)
        log.info("sfu_started", pid=running.pid)
        using, exited = asyncio.create_task(self._use()), asyncio.create_task(running.wait())
        try:
            await asyncio.wait({using, exited}, return_when=asyncio.FIRST_COMPLETED)
            if exited.done():
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
            await _released(using, exited)
            await running.stop()

    async def _use(self) -> None:
        """Serve through the adapter until it reports the SFU's death."""
        async with self._backend.connect(self._settings) as media:
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
            raise SfuFailed(f"{self._backend.name} {reason} before it answered. It said: {running.last_words()}")
        self._died(f"{self._backend.name} {reason}")

    def _died(self, reason: str) -> None:
        """Told at once, before anything is released: rooms move on this."""
        if self._up:
            self._up = False
            log.warning("sfu_died", reason=reason)
            self._watcher.sfu_died(reason)

    def _start_failure(self, error: Exception) -> AgentFailed:
        if isinstance(error, AgentFailed | BackendUnavailable):
            return AgentFailed(str(error))
        return AgentFailed(f"{self._backend.name} can't be used: {error}")


async def _released(*tasks: asyncio.Task[Any]) -> None:
    """Cancel them and wait. What an adapter still has to complain about, once its SFU is dead, is of no interest."""
    for task in tasks:
        task.cancel()
    done, _ = await asyncio.wait(tasks, timeout=_RELEASE_WAIT)
    for task in done:
        if not task.cancelled():
            task.exception()
