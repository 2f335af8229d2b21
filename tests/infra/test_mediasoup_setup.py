"""How mediasoup's worker comes to a machine: infra/setup/mediasoup itself, around a package and a recipe that take no
minutes. That the real recipe makes a real worker is shown by every test that has mediasoup in it.
"""

import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.processes import RunningProcess, running_process

ROOT = Path(__file__).parents[2]
UNREACHABLE = "process.exit(1);"
REACHABLE = """
import fs from "node:fs";
fs.mkdirSync("worker/out/Release", { recursive: true });
fs.writeFileSync("worker/out/Release/mediasoup-worker", "#!/bin/sh\\nexit 41\\n", { mode: 0o755 });
"""
RECIPE = """#!/bin/bash
echo built >>"$BUILDS"
echo "[1/2] half"
while [ -e "$HOLD" ]; do sleep 0.05; done
echo "[2/2] whole"
printf '#!/bin/sh\\nexit 41\\n' >"$2/mediasoup-worker"
chmod +x "$2/mediasoup-worker"
"""
UV = '#!/bin/sh\n[ "$1" != --version ] || echo uv 0.13.0\n'


@dataclass
class Checkout:
    """A copy of what the script needs. `builds` has a line for each build; while `hold` is there, a build waits."""

    root: Path
    home: Path
    builds: Path = field(init=False)
    hold: Path = field(init=False)

    def __post_init__(self) -> None:
        self.builds, self.hold = self.home / "builds", self.home / "hold"
        self.home.mkdir(exist_ok=True)
        self.builds.touch()
        setup, bridge = self.root / "infra/setup", self.root / "media_adapters/mediasoup/bridge"
        for name in ("lib.sh", "mediasoup", "node"):
            write(setup / name, (ROOT / "infra/setup" / name).read_text())
        write(setup / "packages", "#!/bin/sh\necho libraries 1\n")
        write(self.root / "infra/mediasoup/build-worker", RECIPE)
        write(self.root / "infra/mediasoup/overlay/meson.build", "")
        write(self.root / "uv.lock", "")
        write(self.home / "bin/uv", UV)
        lock = '{\n  "node_modules/mediasoup": {\n  "version": "1",\n  "integrity": "sha512-1"\n  }\n}\n'
        write(bridge / "package-lock.json", lock)
        write(bridge / "node_modules/.made-from", f"{hashlib.sha256(lock.encode()).hexdigest()}  -\n")
        (self.root / ".venv").symlink_to(ROOT / ".venv")
        self.downloads(UNREACHABLE)

    @property
    def worker(self) -> Path:
        return self.package / "worker/out/Release/mediasoup-worker"

    @property
    def package(self) -> Path:
        return self.root / "media_adapters/mediasoup/bridge/node_modules/mediasoup"

    def downloads(self, script: str) -> None:
        write(self.package / "npm-scripts.mjs", script)

    def built(self) -> int:
        return len(self.builds.read_text().splitlines())

    def kept(self) -> list[str]:
        """What the cache holds, beside its lock."""
        folder = self.home / "cache/nexusvibe/mediasoup-worker"
        return [path.name for path in folder.iterdir() if path.name != "lock"]

    def is_ready(self) -> bool:
        return os.access(self.worker, os.X_OK)

    @asynccontextmanager
    async def running(self, **more: str) -> AsyncIterator[RunningProcess]:
        env = {
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "PATH": f"{self.home}/bin:{os.environ['PATH']}",
            "BUILDS": str(self.builds),
            "HOLD": str(self.hold),
            "MEDIASOUP_WORKER_BIN": "",
        }
        script = str(self.root / "infra/setup/mediasoup")
        async with running_process("setup", script, cwd=self.root, env=env | more) as process:
            yield process

    async def run(self, **more: str) -> tuple[int, str]:
        """Exit code, and all that it said."""
        async with self.running(**more) as process:
            code = await process.ended(60)
            return code, "\n".join(await process.says_no_more())

    async def until_building(self) -> None:
        async with asyncio.timeout(30):
            while not self.built():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.02)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout", tmp_path / "home")


async def test_worker_that_can_be_downloaded_is_not_built(checkout: Checkout) -> None:
    checkout.downloads(REACHABLE)
    assert await checkout.run() == (0, "  downloading the worker of mediasoup … done")
    assert checkout.is_ready()
    assert checkout.built() == 0
    assert await checkout.run() == (0, "")


async def test_worker_that_can_not_be_downloaded_is_built_once_with_progress(checkout: Checkout) -> None:
    code, said = await checkout.run()
    assert code == 0, said
    assert "not reachable from here, so it is built" in said
    assert "50 % 100 % done (" in said
    assert checkout.is_ready()
    assert await checkout.run() == (0, "")
    assert checkout.built() == 1


async def test_another_checkout_takes_what_was_built_before(checkout: Checkout, tmp_path: Path) -> None:
    await checkout.run()
    other = Checkout(tmp_path / "other", checkout.home)
    assert await other.run() == (0, "")
    assert other.is_ready()
    assert checkout.built() == 1


@pytest.mark.parametrize("what", ["infra/mediasoup/build-worker", "infra/mediasoup/overlay/meson.build"])
async def test_another_recipe_is_another_worker(checkout: Checkout, what: str) -> None:
    await checkout.run()
    with (checkout.root / what).open("a") as file:
        file.write("# mended\n")
    await checkout.run()
    assert checkout.built() == 2
    assert len(checkout.kept()) == 2


async def test_two_at_once_build_once(checkout: Checkout, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other", checkout.home)
    checkout.hold.touch()
    async with checkout.running() as first:
        await checkout.until_building()
        async with other.running() as second:
            await second.says("another build is under way here; waiting for it")
            checkout.hold.unlink()
            assert await first.ended() == 0
            assert await second.ended() == 0
    assert checkout.built() == 1
    assert checkout.is_ready()
    assert other.is_ready()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
async def test_build_that_was_interrupted_leaves_nothing_half(checkout: Checkout, how: signal.Signals) -> None:
    checkout.hold.touch()
    async with checkout.running() as process:
        await checkout.until_building()
        os.killpg(process.pid, how)
        await process.ended()
    assert not checkout.is_ready()
    assert all(name.startswith(".building.") for name in checkout.kept())
    checkout.hold.unlink()
    assert (await checkout.run())[0] == 0
    assert checkout.is_ready()
    assert not any(name.startswith(".building.") for name in checkout.kept())


async def test_build_that_fails_shows_why_and_where_the_rest_is(checkout: Checkout) -> None:
    write(checkout.root / "infra/mediasoup/build-worker", "#!/bin/sh\necho 'fatal error: uv.h'\nexit 1\n")
    code, said = await checkout.run()
    assert code == 1
    assert "fatal error: uv.h" in said
    assert f"All of its output is in {checkout.home}/cache/nexusvibe/logs/mediasoup.log" in said
    assert not checkout.is_ready()
    assert checkout.kept() == []


async def test_named_worker_that_does_not_run_here_is_refused(checkout: Checkout) -> None:
    code, said = await checkout.run(MEDIASOUP_WORKER_BIN="/bin/true")
    assert code == 1
    assert "MEDIASOUP_WORKER_BIN names /bin/true, which is no worker that runs here." in said
