"""Whether the database answers, asked every few seconds: what is told of it must not wait for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from control_plane.database.engine import Database

INTERVAL_S = 5.0


class DatabaseWatch:
    """`answers` is as of the last look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._task: asyncio.Task[None] | None = None
        self.answers = True

    @classmethod
    @asynccontextmanager
    async def start(cls, database: Database, interval: float = INTERVAL_S) -> AsyncIterator[Self]:
        """Look each `interval` seconds until left. Whoever connected has just had an answer."""
        watch = cls(database)
        watch._task = asyncio.create_task(watch._look(interval), name="database watch")
        try:
            yield watch
        finally:
            watch._task.cancel()
            await asyncio.gather(watch._task, return_exceptions=True)

    @property
    def running(self) -> bool:
        """False when a fault of ours has ended what `start` began."""
        return self._task is not None and not self._task.done()

    async def _look(self, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            self.answers = await self._database.answers()
