"""mediasoup, in process and through its agent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from media_adapters.conformance.suite import Leftovers, MediaNodeConformance, Start, Subject
from media_adapters.mediasoup import home
from media_adapters.mediasoup.bridge_client import open_bridge
from tests.support.agent import AgentProcess
from tests.support.mediasoup import running_mediasoup
from tests.support.through_agent import through_agent

KINDS = ("routers", "transports", "producers", "consumers")


@asynccontextmanager
async def in_process() -> AsyncIterator[Subject]:
    async with running_mediasoup() as server, server.node() as node:

        async def leftovers() -> Leftovers:
            return await server.held()

        yield Subject(node=node, leftovers=leftovers, kill=server.kill, freeze=server.freeze, thaw=server.thaw)


@asynccontextmanager
async def census_of(agent: AgentProcess) -> AsyncIterator[Callable[[], Awaitable[Leftovers]]]:
    async with open_bridge(home.socket(agent.run_dir / "sfu")) as inside:

        async def leftovers() -> Leftovers:
            workers = (await inside.request("dump"))["workers"]
            return {kind: sum(worker[kind] for worker in workers) for kind in KINDS}

        yield leftovers


def behind_agent() -> AbstractAsyncContextManager[Subject]:
    return through_agent("mediasoup", census_of)


class TestMediasoup(MediaNodeConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sfu(cls) -> Start:
        return in_process


class TestMediasoupThroughItsAgent(MediaNodeConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sfu(cls) -> Start:
        return behind_agent
