"""Somebody with Firefox, beside those with Chromium windows (tests/support/browser.py).

Playwright drives only a Firefox of its own, so puppeteer drives this one over WebDriver BiDi, in a process beside.
"""

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from media_adapters.agent.process import death_pact
from tests.support.browser import GROWS, HOLDS, PATIENCE

DRIVER = Path(__file__).with_suffix(".mjs")
NODE = Path(__file__).parents[2] / "infra/setup/node"
ANSWER_S = 60.0


class FirefoxPerson:
    """Their identity and their name are the same. Open a link that names them."""

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self._process = process

    async def joins(self, link: str) -> None:
        await self._ask(open=link)
        await self._holds("document.querySelector('[data-testid=join]')", "was not asked to join")
        await self.evaluate("() => document.querySelector('[data-testid=join]').click()")
        await self._holds("window.nexusvibe?.room?.connection === 'connected'", "was not in the room")

    async def leaves(self) -> None:
        await self.evaluate("() => document.querySelector('[data-testid=leave]').click()")
        await self._holds(
            "['new', 'disconnected'].includes(window.nexusvibe?.room?.connection ?? 'new')", "did not leave"
        )

    async def sees(self, other: str, frames: int = 5) -> None:
        """Another `frames` frames of the other's camera are decoded."""
        await self._grows(other, "video", "framesDecoded", frames)

    async def hears(self, other: str, packets: int = 10) -> None:
        await self._grows(other, "audio", "packetsReceived", packets)

    async def evaluate(self, script: str, argument: object = None) -> Any:
        """What a function of one argument returns in the page."""
        return await self._ask(evaluate=script, argument=argument)

    async def _grows(self, other: str, kind: str, counter: str, growth: int) -> None:
        missing = await self.evaluate(GROWS, [other, kind, counter, growth, PATIENCE * 1000])
        assert not missing, f"{self.name} does not get {other}'s {kind}: {missing}"

    async def _holds(self, condition: str, otherwise: str) -> None:
        held = await self.evaluate(HOLDS.replace("CONDITION", condition), PATIENCE * 1000)
        assert held, f"{self.name} {otherwise} within {PATIENCE:g} s"

    async def _ask(self, **order: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> Any:
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_S):
            line = await self._process.stdout.readline()
        assert line, "Firefox has ended; what it said is above"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]


@asynccontextmanager
async def with_firefox(name: str) -> AsyncIterator[FirefoxPerson]:
    """Open a window of their own for somebody."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.fail("Firefox is needed: `make test` installs it.")
    process = await asyncio.create_subprocess_exec(
        *death_pact([str(NODE), str(DRIVER), program]), stdin=PIPE, stdout=PIPE, limit=1 << 20
    )
    try:
        person = FirefoxPerson(name, process)
        await person.answer()  # it is up
        yield person
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(ANSWER_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
