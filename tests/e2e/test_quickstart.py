"""docs/quickstart.md, followed literally from a fresh copy of the repository into a call in a browser."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Frame, Page, expect

from tests.support.browser import PATIENCE, People
from tests.support.handbook import Reader, blocks
from tests.support.ports import reserved_port

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
PUT_INTO_A_PAGE, MODERATE = "Put the room into your page", "Moderate"

# Resolves to the number of frames that some video of others has shown more, within the patience; see `shows_somebody`.
_FRAMES_SHOWN = """
async ([selector, patience]) => {
  const shown = () => Math.max(0, ...[...document.querySelectorAll(selector)].map(
    (video) => video.getVideoPlaybackQuality().totalVideoFrames));
  const first = shown(), deadline = performance.now() + patience;
  while (shown() < first + 5 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 50));
  return shown() - first;
}
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What somebody gets who clones this repository, with what is not committed yet, and with the npm packages that
    are here: they are as locked, and fetching them takes longer than all the rest."""
    folder = tmp_path / "nexusvibe"
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    packages = folder / "web/node_modules"
    shutil.copytree(ROOT / "web/node_modules", packages, symlinks=True, copy_function=link_or_copy)
    return folder


def link_or_copy(source: str, target: str) -> None:
    """What is rewritten in place, the stamps of what the packages and the page were made from, is no link."""
    if Path(source).name == ".built-from":
        return
    stamp = Path(source).name == ".made-from"
    if stamp or Path(source).stat().st_dev != Path(target).parent.stat().st_dev:
        shutil.copy2(source, target)
    else:
        os.link(source, target)


@pytest_asyncio.fixture(loop_scope="session")
async def reader(copy: Path, tmp_path: Path) -> AsyncIterator[Reader]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NEXUSVIBE_")}
    env = inherited | {"XDG_STATE_HOME": str(tmp_path / "state"), "npm_config_prefer_offline": "true"}
    env |= {"PYTHONUNBUFFERED": "1"}
    env.pop("VIRTUAL_ENV", None)
    async with AsyncExitStack() as stack:
        yield Reader(copy, env, stack)


async def test_quickstart_ends_in_a_room_in_ones_own_page_that_one_moderates(reader: Reader, people: People) -> None:
    port, own_port = reserved_port(), reserved_port()
    text = (ROOT / "docs/quickstart.md").read_text("utf-8")
    text = re.sub(r"^make up$", f"make up PORT={port}", text, flags=re.MULTILINE)
    found = list(blocks(text.replace("localhost:8080", f"localhost:{port}").replace("9000", str(own_port))))
    printed = ""
    for block in found:
        if block.section != MODERATE:
            printed += await reader.follows(block, ready="NexusVibe is up" if "make up" in block.text else "")
    await until_listening(own_port)
    assert f"http://localhost:{port}/#token=ey" in printed

    ann, bob = await people.arrives("Ann"), await people.arrives("Bob")
    await ann.opens(f"http://localhost:{own_port}/")
    room = await joined_in_the_frame(ann.page)
    await bob.opens(f"http://localhost:{own_port}/own.html")
    await shows_somebody(bob.page.main_frame, "#people video")
    await shows_somebody(room, "[data-identity=bob] video")

    told = "".join([await reader.follows(block) for block in found if block.section == MODERATE])
    assert "Ann sends [" in told
    await expect(bob.page).to_have_title(re.compile("removed"), timeout=PATIENCE * 1000)
    await expect(ann.page.frame_locator("#room").locator("[data-identity=bob]")).to_have_count(0)


async def until_listening(port: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("localhost", port)
            except OSError:
                await asyncio.sleep(0.05)  # another process has no event to wait for
            else:
                writer.close()
                return


async def joined_in_the_frame(page: Page) -> Frame:
    """Ann's page shows the room in a frame; it knows her name, and she joins."""
    inside = page.frame_locator("#room")
    await expect(inside.get_by_test_id("name-input")).to_have_value("Ann")  # the token says who she is
    await inside.get_by_test_id("join").click()
    await expect(inside.get_by_test_id("grid")).to_be_visible(timeout=PATIENCE * 1000)
    return page.frames[-1]


async def shows_somebody(frame: Frame, videos: str) -> None:
    await frame.wait_for_selector(videos, timeout=PATIENCE * 1000)
    assert await frame.evaluate(_FRAMES_SHOWN, [videos, PATIENCE * 1000]) >= 5, f"{videos} stands still"
