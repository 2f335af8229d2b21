"""Janus, in process and through its agent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from media_adapters.conformance.suite import Leftovers, MediaNodeConformance, Start, Subject
from tests.support.agent import AgentProcess
from tests.support.janus import running_janus
from tests.support.sfu import janus_of
from tests.support.through_agent import through_agent


@asynccontextmanager
async def in_process() -> AsyncIterator[Subject]:
    async with running_janus() as server, server.node() as node:

        async def leftovers() -> Leftovers:
            return {"handles": sum(await server.handles())}

        yield Subject(node=node, leftovers=leftovers, kill=server.kill, freeze=server.freeze, thaw=server.thaw)


@asynccontextmanager
async def handles_of(agent: AgentProcess) -> AsyncIterator[Callable[[], Awaitable[Leftovers]]]:
    async with janus_of(agent.run_dir) as janus:

        async def leftovers() -> Leftovers:
            return {"handles": await janus.handles()}

        yield leftovers


def behind_agent() -> AbstractAsyncContextManager[Subject]:
    return through_agent("janus", handles_of)


class TestJanus(MediaNodeConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sfu(cls) -> Start:
        return in_process


class TestJanusThroughItsAgent(MediaNodeConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sfu(cls) -> Start:
        return behind_agent
