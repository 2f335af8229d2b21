"""mediasoup, in process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from media_adapters.conformance.suite import Leftovers, MediaNodeConformance, Start, Subject
from tests.support.mediasoup import running_mediasoup


@asynccontextmanager
async def in_process() -> AsyncIterator[Subject]:
    async with running_mediasoup() as server, server.node() as node:

        async def leftovers() -> Leftovers:
            return await server.held()

        yield Subject(node=node, leftovers=leftovers, kill=server.kill, freeze=server.freeze, thaw=server.thaw)


class TestMediasoup(MediaNodeConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sfu(cls) -> Start:
        return in_process
