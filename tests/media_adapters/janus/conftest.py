from collections.abc import AsyncIterator

import pytest

from media_adapters.contract import MediaNode
from tests.support.janus import Server, running_janus
from tests.support.media import Stage, stage


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running_janus() as running:
        yield running


@pytest.fixture
async def node(server: Server) -> AsyncIterator[MediaNode]:
    async with server.node() as connected:
        yield connected


@pytest.fixture
async def lobby(node: MediaNode) -> AsyncIterator[Stage]:
    async with stage(node) as here:
        yield here
