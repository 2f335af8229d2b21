"""Janus, in process and through its agent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from media_adapters.conformance.suite import Leftovers, MediaNodeConformance, Start, Subject
from tests.support.janus import running_janus


@asynccontextmanager
async def in_process() -> AsyncIterator[Subject]:
    async with running_janus() as server, server.node() as node:

        async def leftovers() -> Leftovers:
            return {"handles": sum(await server.handles())}

        yield Subject(node=node, leftovers=leftovers, kill=server.kill, freeze=server.freeze, thaw=server.thaw)


class TestJanus(MediaNodeConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sfu(cls) -> Start:
        return in_process
