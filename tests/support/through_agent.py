"""A media server behind a real agent process, for the conformance suite: what passes in process passes here too."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from media_adapters.conformance.suite import Leftovers, Subject
from media_adapters.contract import MediaNode
from tests.support.agent import AgentProcess, running_agent

Count = Callable[[AgentProcess], AbstractAsyncContextManager[Callable[[], Awaitable[Leftovers]]]]
"""Connects to the agent's media server behind its back, to count what it holds."""


@asynccontextmanager
async def through_agent(backend: str, count: Count, **settings: Any) -> AsyncIterator[Subject]:
    """Commanded over the node RPC, as a replica does it."""
    async with (
        running_agent(backend, room_lease=120, **settings) as agent,
        count(agent) as leftovers,
        agent.dialled() as replica,
    ):

        @asynccontextmanager
        async def successor() -> AsyncIterator[MediaNode]:
            async with agent.dialled("r_next") as taking_over:
                yield taking_over.client.acting(fence=2, generation=2)

        async def kill() -> None:
            os.kill(agent.sfu_pid, signal.SIGKILL)

        async def freeze() -> None:
            await frozen(agent.sfu_pid)

        yield Subject(
            node=replica.client.acting(fence=1, generation=1),
            leftovers=leftovers,
            successor=successor,
            kill=kill,
            freeze=freeze,
            thaw=lambda: os.kill(agent.sfu_pid, signal.SIGCONT),
        )


async def frozen(pid: int) -> None:
    """Stop every thread of a process; when this returns it answers nothing any more."""
    os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(5):
        while not _stopped(pid):  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.005)


def _stopped(pid: int) -> bool:
    tasks = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)
