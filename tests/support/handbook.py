"""A document whose blocks are meant literally, followed as somebody would who reads it from top to bottom.

A block behind "Save as `path`:" is a file. Any other `sh` block is run to its end, in the folder; one behind "terminal
that stays open:" goes on until the reader is done.
"""

import asyncio
import re
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import running_process

_BLOCK = re.compile(r"^## (?P<heading>[^\n]+)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SAVED = re.compile(r"[Ss]ave as `([\w./-]+)`:\s*\Z")
_STAYS = re.compile(r"terminal\s+that\s+stays\s+open:\s*\Z")


@dataclass(frozen=True)
class Block:
    section: str
    language: str
    text: str
    saved_as: str | None
    stays: bool


def blocks(document: str) -> Iterator[Block]:
    section = ""
    for match in _BLOCK.finditer(document):
        if match["heading"]:
            section = match["heading"]
            continue
        before = document[: match.start()]
        saved = _SAVED.search(before)
        yield Block(
            section, match["language"], match["text"], saved and saved[1], stays=_STAYS.search(before) is not None
        )


@dataclass
class Reader:
    """Follows in `folder`, until `stack` is left. `ready` of a command that goes on is what it says once it is up."""

    folder: Path
    env: Mapping[str, str]
    stack: AsyncExitStack

    async def follows(self, block: Block, ready: str = "") -> str:
        """What it printed. Raises `AssertionError` when it fails."""
        if block.saved_as is not None:
            await asyncio.to_thread((self.folder / block.saved_as).write_text, block.text)
            return ""
        assert block.language == "sh", f"nothing says what to do with this block of {block.section}:\n{block.text}"
        if block.stays:
            return await self._leaves_running(block, ready)
        return await self._runs(block)

    async def _leaves_running(self, block: Block, ready: str) -> str:
        name = block.text.split()[0]
        started = running_process(name, "bash", "-euc", f"exec {block.text}", cwd=self.folder, env=self.env)
        process = await self.stack.enter_async_context(started)
        return await process.says(ready, seconds=240) if ready else ""

    async def _runs(self, block: Block) -> str:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", block.text), cwd=self.folder, env=self.env, stdout=PIPE, stderr=STDOUT
        )
        output = (await process.communicate())[0].decode()
        assert process.returncode == 0, f"{block.text}\n{output}"
        return output
