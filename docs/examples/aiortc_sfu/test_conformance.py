"""Is the adapter done?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiortc_sfu import AiortcBackend
from media_adapters.conformance.suite import MediaNodeConformance, Start, Subject
from media_adapters.registry import BackendSettings


@asynccontextmanager
async def running() -> AsyncIterator[Subject]:
    async with AiortcBackend().connect(BackendSettings(run_dir=Path())) as node:
        yield Subject(node=node, crowd=6)


class TestAiortc(MediaNodeConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sfu(cls) -> Start:
        return running
