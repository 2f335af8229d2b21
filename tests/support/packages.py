"""Other people's packages: installed beside ours, as an integrator does it, into a folder of the test."""

import asyncio
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def installed(package: Path, target: Path) -> None:
    """Build the package in the folder `package` and install it, without what it depends on, into `target`."""
    uv = (await output("bash", "-c", ". infra/setup/lib.sh && find_uv", cwd=ROOT)).strip()
    await output(uv, "pip", "install", "--no-deps", "--python", sys.executable, "--target", target, package, cwd=ROOT)


async def output(*command: str | Path, cwd: Path, path: Path | None = None, codes: tuple[int, ...] = (0,)) -> str:
    """What a command prints. `path` comes before all else that Python imports. Fails on other exit codes."""
    environment = os.environ | ({"PYTHONPATH": str(path)} if path is not None else {})
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode in codes, printed.decode()
    return printed.decode()
