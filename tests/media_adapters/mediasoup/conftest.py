from collections.abc import AsyncIterator

import pytest

from media_adapters.contract import MediaNode
from tests.support.media import Stage, stage
from tests.support.mediasoup import Server, running_mediasoup


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running_mediasoup() as running:
        yield running


@pytest.fixture
async def node(server: Server) -> AsyncIterator[MediaNode]:
    async with server.node() as connected:
        yield connected


@pytest.fixture
async def lobby(node: MediaNode) -> AsyncIterator[Stage]:
    async with stage(node) as here:
        yield here
