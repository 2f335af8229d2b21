"""Operators and the machines that they make media nodes, by the commands that they type."""

import asyncio
import json
import os
import random
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from control_plane.up.keys import Keys
from tests.support.agent import REPOSITORY, python_path
from tests.support.processes import RunningProcess, running_process

PROGRAM = (sys.executable, "-m", "control_plane")


@dataclass(frozen=True)
class Operator:
    """Somebody at a machine with the settings of the replicas."""

    settings: dict[str, str]
    control_url: str
    folder: Path

    async def types(self, *command: str) -> tuple[int, str]:
        """`nexusvibe` with these words: exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, *command,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **self.settings},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, printed.decode()

    async def does(self, *command: str) -> str:
        """The same for what has to succeed."""
        code, printed = await self.types(*command)
        assert code == 0, printed
        return printed

    async def adds(self, node: str, region: str = "eu") -> list[str]:
        """The command that makes a machine this node, as it was printed."""
        printed = await self.does("node", "add", node, "--region", region, "--control-url", self.control_url)
        (line,) = (line for line in printed.splitlines() if line.startswith("  nexusvibe "))
        return shlex.split(line)[1:]

    async def shows(self, node: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(await self.does("node", "show", node, "--json"))
        return shown


def operator(keys: Keys, database_url: str, redis_url: str, control_url: str) -> Operator:
    secrets = str(keys.replica_secrets)
    settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRETS_DIR": secrets}
    return Operator({f"NEXUSVIBE_{name}": value for name, value in settings.items()}, control_url, keys.replica_secrets)


@asynccontextmanager
async def machine(folder: Path, name: str, command: list[str], **settings: str) -> AsyncIterator[RunningProcess]:
    """Another machine, on which `command` is typed. What it keeps is in `folder / name`: the same one comes back.

    It runs the recorder instead of Janus. `settings` are those of the agent.
    """
    own = folder / name
    own.mkdir(exist_ok=True)
    first = random.randrange(20000, 60000, 20)
    values = {
        "PORT": "0",
        "RUN_DIR": str(own / "run"),
        "STATE_DIR": str(own / "state"),
        "RTP_PORTS": json.dumps([first, first + 19]),
        "LOG_FORMAT": "json",
    } | {key.upper(): value for key, value in settings.items()}
    given = ["recorder" if word == "janus" else word for word in command]
    environment = {f"NEXUSVIBE_NODE_{key}": value for key, value in values.items()} | python_path(own)
    async with running_process(name, *PROGRAM, *given, cwd=own, env=environment) as process:
        yield process
