"""A call cancelled at one of its awaits, as a caller's time-out may do it."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")

MOST = 200
"""A call that has more awaits than this never ends."""


class _Interrupted(Generic[Result]):
    """Awaits `call` and cancels the task that does so when it waits for the `at`-th time."""

    def __init__(self, call: Awaitable[Result], at: int) -> None:
        self._call = call
        self._at = at
        self.cut = False

    def __await__(self) -> Generator[Any, Any, Result]:
        inner = self._call.__await__()
        step: Callable[[], Any] = lambda: next(inner)  # noqa: E731 - the next one depends on how the wait ends
        for number in range(1, MOST):
            try:
                waiting = step()
            except StopIteration as end:
                result: Result = end.value
                return result
            if number == self._at:
                self.cut = True
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield waiting
            except BaseException as error:  # noqa: BLE001 - handed on to the call, as the event loop would
                step = _throwing(inner, error)
            else:
                step = lambda: next(inner)  # noqa: E731
        raise AssertionError("The call does not end.")


def _throwing(inner: Generator[Any, Any, Result], error: BaseException) -> Callable[[], Any]:
    return lambda: inner.throw(error)


async def interrupted(call: Awaitable[object], at: int) -> bool:
    """Whether the call was cancelled at its `at`-th await; False when it ended before. Fails if it swallows that."""
    attempt = _Interrupted(call, at)

    async def run() -> None:
        await attempt

    task = asyncio.create_task(run())
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
        assert not attempt.cut, "The call swallowed its cancellation."
    return task.cancelled()


async def insisted(call: Callable[[], Awaitable[Result]]) -> Result:
    """Cancel the call at its first await, repeat it and cancel it at the second, and so on; then let it be."""
    for at in range(1, MOST):
        if not await interrupted(call(), at):
            return await call()
    raise AssertionError("The call never ends by itself.")
