"""Is the adapter done?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiortc_sfu import AiortcBackend
from media_adapters.conformance.suite import MediaNodeConformance, Start, Subject
from media_adapters.registry import BackendSettings


@asynccontextmanager
async def running() -> AsyncIterator[Subject]:
    async with AiortcBackend().connect(BackendSettings(run_dir=".")) as node:
        yield Subject(node=node, crowd=4)


class TestAiortc(MediaNodeConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sfu(cls) -> Start:
        return running
