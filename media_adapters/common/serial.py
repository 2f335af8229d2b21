"""One operation after another, whatever happens to those who asked for them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from media_adapters.errors import NodeTimeout

Result = TypeVar("Result")


class Serial:
    """Runs operations one at a time, in the order in which they were asked for.

    A caller that is cancelled, or has waited `deadline` seconds, goes its way with `NodeTimeout`; its operation is
    finished nevertheless, so that our picture of the SFU stays true. Operations themselves are bounded by those who
    perform them.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[object]] = set()

    async def run(self, operation: Callable[[], Awaitable[Result]]) -> Result:
        return await self.wait(self.start(operation))

    async def wait(self, task: "asyncio.Task[Result]") -> Result:
        """Wait for an operation that was started. Raises `NodeTimeout`; cancelling the waiting leaves it alone."""
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise NodeTimeout(
                f"The media server took more than {self._deadline} s; the call may still take effect"
            ) from error

    def start(self, operation: Callable[[], Awaitable[Result]]) -> "asyncio.Task[Result]":
        """Ask for an operation without waiting for it."""
        task: asyncio.Task[Result] = asyncio.create_task(self._in_turn(operation))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def _in_turn(self, operation: Callable[[], Awaitable[Result]]) -> Result:
        async with self._turn:
            return await operation()

    def _done(self, task: "asyncio.Task[object]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as seen: the caller may be gone
