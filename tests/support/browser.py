"""People in real Chromium windows: one browser for a test session, one window with its own profile for each person.

A test says what people do and notice: `await alice.joins(replica, "demo")`, `await alice.sees("bob")`. What their pages
complained about is printed when a test fails, with a screenshot of each in `artifacts/`. Tests that use them run in
the session's event loop: `pytestmark = pytest.mark.asyncio(loop_scope="session")`.
"""

import re
import shutil
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, async_playwright, expect

from tests.support.replica import Replica

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
FRAMES = Path(__file__).parent / "frames.js"
CAMERA = Path(__file__).parent / "camera.js"
CONNECTIONS = Path(__file__).parent / "connections.js"
PATIENCE = 20.0
"""Seconds until something that should happen at once is given up, on a busy machine."""

FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream=fps=15",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-dev-shm-usage",
]

# The room's own counters for what `identity` publishes of `kind`, or null while there is nothing of it.
_COUNTERS = """
async ([identity, kind]) => {
  const room = window.nexusvibe?.room;
  const person = [...(room?.state.participants.values() ?? [])].find((other) => other.identity === identity);
  const stats = person ? await room.stats() : [];
  return stats.find((track) => track.participant === person.id && track.kind === kind) ?? null;
}
"""
# Resolves to "" once the counter grew by `growth`, else after `patience` ms to what was there last.
GROWS = f"""
async ([identity, kind, counter, growth, patience]) => {{
  const counters = {_COUNTERS};
  const deadline = performance.now() + patience;
  let first = null, last = null;
  while (performance.now() < deadline) {{
    const found = await counters([identity, kind]);
    if (found && last && found.track !== last.track) first = null;
    last = found;
    if (found) first = Math.min(first ?? Infinity, found[counter]);
    if (found && found[counter] >= first + growth) return "";
    await new Promise((resolve) => setTimeout(resolve, 50));
  }}
  return last ? `${{counter}} went from ${{first}} to ${{last[counter]}}` : "no such track is received";
}}
"""
# Type and relay protocol of the local candidate in use, for each connection that is up.
_SELECTED = """
async () => {
  const found = [];
  for (const connection of window.testConnections) {
    if (connection.connectionState !== "connected") continue;
    const report = await connection.getStats();
    const transport = [...report.values()].find((entry) => entry.type === "transport");
    const local = report.get(report.get(transport.selectedCandidatePairId).localCandidateId);
    found.push([local.candidateType, local.relayProtocol ?? ""]);
  }
  return found;
}
"""
# State and ICE user fragment (of its own side) of each connection that the page has made and not closed.
_CONNECTIONS = """
() => window.testConnections
  .filter(({ connectionState }) => connectionState !== "closed")
  .map(({ connectionState, localDescription }) =>
    [connectionState, localDescription?.sdp.match(/^a=ice-ufrag:(.*)$/m)?.[1] ?? ""])
"""
# Asked in the page, not by `wait_for_function`, which the page's own security policy forbids to evaluate text.
HOLDS = """
async (patience) => {
  const deadline = performance.now() + patience;
  while (!(CONDITION)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}
"""


class Person:
    """Somebody with a browser window. Their identity and their name are the same."""

    def __init__(self, name: str, context: BrowserContext, page: Page) -> None:
        self.name = name
        self.page = page
        self.complaints: list[str] = []
        self.crashes: list[str] = []
        self._context = context
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.crashes.append(str(error)))

    async def opens(self, link: str) -> None:
        await self.page.goto(link)

    async def joins(self, replica: Replica, room: str, **grants: Any) -> None:
        """Open the link that was made for this person, join, and be in."""
        await self.opens(replica.link(room, self.name, **grants))
        await self.enters()

    async def enters(self) -> None:
        """Give one's name on the page that is open, and join: people don't wait for their camera."""
        await self._part("join").wait_for()
        name = self._part("name-input")
        if await name.count() > 0 and await name.is_editable():  # unless the page knows who this person is
            await name.fill(self.name)
        await self._part("join").click()
        await self.is_in()

    async def is_in(self) -> None:
        """The connection to the server is up, and the room is known."""
        await self._holds("window.nexusvibe?.room?.connection === 'connected'", "was not in the room")

    async def leaves(self) -> None:
        await self._part("leave").click()
        await self._holds(
            "['new', 'disconnected'].includes(window.nexusvibe?.room?.connection ?? 'new')", "did not leave"
        )

    async def closes_the_window(self) -> None:
        """Vanish without a word."""
        await self._context.close()

    async def sees(self, other: str, frames: int = 5) -> None:
        """Another `frames` frames of the other's camera are decoded, and shown to this person."""
        await self._grows(other, "video", "framesDecoded", frames)
        await expect(self.tile(other).locator("video")).to_be_visible()

    async def hears(self, other: str, packets: int = 10) -> None:
        """Another `packets` packets of the other's microphone arrive (50 a second)."""
        await self._grows(other, "audio", "packetsReceived", packets)

    async def does_not_hear(self, other: str, seconds: float = 1.0) -> None:
        """Nothing of the other's microphone arrives for a while."""
        await self._rests(other, "audio", "packetsReceived", seconds)

    async def does_not_see(self, other: str, seconds: float = 1.0) -> None:
        """No frame of the other's camera is decoded for a while."""
        await self._rests(other, "video", "framesDecoded", seconds)

    async def is_sent_no_picture_of(self, other: str, seconds: float = 1.0) -> None:
        """Not a byte of the other's camera arrives for a while."""
        await self._rests(other, "video", "bytesReceived", seconds)

    async def packets_heard(self, other: str) -> int:
        """How many packets of the other's microphone have arrived by now (50 a second)."""
        counters: dict[str, int] = await self.page.evaluate(_COUNTERS, [other, "audio"])
        return counters["packetsReceived"]

    async def is_alone_with(self, *others: str) -> None:
        """Exactly these are in the room, beside this person."""
        await self._holds(
            "[...window.nexusvibe.room.state.participants.values()].map(({ identity }) => identity).sort().join()"
            f" === {','.join(sorted({self.name, *others}))!r}",
            f"was not with exactly {others}",
        )

    async def toggles_microphone(self) -> None:
        await self._part("mic").click()

    async def toggles_camera(self) -> None:
        await self._part("camera").click()

    async def stops_publishing(self, source: str) -> None:
        """Take the `camera` or `microphone` out of the room altogether, which the page has no button for."""
        await self.page.evaluate(
            "(source) => { const { room } = window.nexusvibe;"
            " const local = room.localTracks.find((track) => track.source === source);"
            " room.unpublish(local); local.mediaTrack.stop(); }",
            source,
        )

    async def publishes(self, source: str) -> None:
        """Bring the `camera` or `microphone` into the room."""
        await self.page.evaluate(
            "async (source) => { const kind = source === 'camera' ? 'video' : 'audio';"
            " const stream = await navigator.mediaDevices.getUserMedia({ [kind]: true });"
            " window.nexusvibe.room.publish(stream.getTracks()[0], source); }",
            source,
        )

    async def is_about_to_remove(self, other: str) -> None:
        """Press the moderator's button on the other's tile: the page asks once more."""
        await self.tile(other).get_by_test_id("kick").click()
        await self._part("confirm-removal").wait_for()

    async def confirms_the_removal(self) -> None:
        await self._part("confirm-removal").click()

    async def removes(self, other: str) -> None:
        await self.is_about_to_remove(other)
        await self.confirms_the_removal()

    async def is_offered_to_remove(self, other: str, offered: bool) -> None:
        await expect(self.tile(other).get_by_test_id("kick")).to_be_visible(visible=offered)

    async def has_no_tile_of(self, other: str) -> None:
        await expect(self.tile(other)).to_have_count(0)

    async def says(self, text: str) -> None:
        await self._part("chat-input").fill(text)
        await self._part("chat-send").click()

    async def reads(self, text: str, times: int = 1) -> None:
        """The text stands in the chat, exactly so often."""
        await expect(self._part("chat-log").get_by_text(text)).to_have_count(times, timeout=PATIENCE * 1000)

    async def resizes_the_window(self, width: int, height: int) -> None:
        await self.page.set_viewport_size({"width": width, "height": height})

    async def has_rows_apart(self, pixels: int) -> None:
        """As if other people's tiles were between the rows of tiles."""
        await self._part("grid").evaluate("(grid, gap) => { grid.style.rowGap = gap }", f"{pixels}px")

    async def scrolls_to(self, other: str) -> None:
        """Bring somebody's tile, one's own too, onto the screen."""
        await self.tile(other).evaluate("(tile) => tile.scrollIntoView({ block: 'nearest' })")

    async def sees_with_height(self, other: str, least: int, most: int) -> None:
        """The picture that arrives of the other comes to have so many lines, within both bounds."""
        await self._holds(
            f"((video) => video.videoHeight >= {least} && video.videoHeight <= {most})"
            f"(document.querySelector('[data-identity={other}] video'))",
            f"did not get {other}'s picture with {least} to {most} lines",
        )

    async def forgets_frames(self) -> None:
        """Frame gaps are measured anew from here."""
        await self.page.evaluate("window.testFrames.clear()")

    async def frame_gaps(self, other: str) -> list[float]:
        """Milliseconds between each two frames of the other that were shown, up to now."""
        times: list[float] = await self.page.evaluate(
            "(identity) => [...(window.testFrames.get(identity) ?? []), performance.now()]", other
        )
        return [later - earlier for earlier, later in pairwise(times)]

    async def selected_candidates(self) -> list[tuple[str, str]]:
        """Of each connection that is up: its own candidate's type and how it reaches its relay (webrtc-stats)."""
        return [tuple(pair) for pair in await self.page.evaluate(_SELECTED)]

    async def connections(self) -> list[list[str]]:
        """State and ICE user fragment of each peer connection; the same as before if none was made or restarted."""
        connections: list[list[str]] = await self.page.evaluate(_CONNECTIONS)
        return connections

    async def evaluate(self, script: str, argument: object = None) -> Any:
        """For what people can't do with the page alone: `window.nexusvibe.room` is the SDK's room."""
        return await self.page.evaluate(script, argument)

    async def screenshot(self, path: Path) -> None:
        await self.page.screenshot(path=path)

    async def _grows(self, other: str, kind: str, counter: str, growth: int) -> None:
        missing = await self.page.evaluate(GROWS, [other, kind, counter, growth, PATIENCE * 1000])
        assert not missing, f"{self.name} does not get {other}'s {kind}: {missing}"

    async def _rests(self, other: str, kind: str, counter: str, seconds: float) -> None:
        """It may take a moment to come to rest: what is still under way does not count."""
        for _ in range(int(PATIENCE / seconds)):
            before = await self.page.evaluate(_COUNTERS, [other, kind])
            await self.page.wait_for_timeout(seconds * 1000)
            after = await self.page.evaluate(_COUNTERS, [other, kind])
            if after is None or (before is not None and before[counter] == after[counter]):
                return
        pytest.fail(f"{self.name} still gets {other}'s {kind}")

    async def _holds(self, condition: str, otherwise: str) -> None:
        held = await self.page.evaluate(HOLDS.replace("CONDITION", condition), PATIENCE * 1000)
        assert held, f"{self.name} {otherwise} within {PATIENCE:g} s"

    def _part(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    def tile(self, identity: str) -> Locator:
        """Somebody's tile, one's own too."""
        return self._part("grid").locator(f"[data-identity={identity!r}]")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")


AnyPerson = TypeVar("AnyPerson", bound=Person)


class People:
    """Everybody who has a window in this test."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.all: list[Person] = []

    async def arrives(
        self, name: str, *, camera: tuple[int, int] | None = None, window: tuple[int, int] = (960, 640)
    ) -> Person:
        """Open a window of their own for somebody. `camera` and `window` are width and height in pixels; the usual
        camera is small."""
        return await self.arrives_as(Person, name, camera=camera, window=window)

    async def arrives_as(
        self,
        kind: type[AnyPerson],
        name: str,
        *,
        camera: tuple[int, int] | None = None,
        window: tuple[int, int] = (960, 640),
        **context_options: Any,
    ) -> AnyPerson:
        """As `arrives`, for somebody who can do what `kind` says, in a browser with further options of Playwright's."""
        context = await self._browser.new_context(
            permissions=["camera", "microphone"],
            viewport={"width": window[0], "height": window[1]},
            **context_options,
        )
        if camera:
            await context.add_init_script(f"window.testCamera = {list(camera)};")
        await context.add_init_script(path=FRAMES)
        await context.add_init_script(path=CAMERA)
        await context.add_init_script(path=CONNECTIONS)
        context.set_default_timeout(PATIENCE * 1000)
        person = kind(name, context, await context.new_page())
        self.all.append(person)
        return person

    async def report(self, folder: Path) -> None:
        """What every page looks like and complained about."""
        for person in self.all:
            if not person.page.is_closed():
                await person.screenshot(folder / f"{person.name}.png")
            print(f"{person.name}'s page:", *person.crashes, *person.complaints, sep="\n  ")  # noqa: T201 -- for pytest

    async def go_home(self) -> None:
        for context in self._browser.contexts:
            await context.close()


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.fail("Browser tests need Chromium: `make test` installs it.")


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with running_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def people(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[People]:
    people = People(browser)
    yield people
    report = request.node.stash.get(_REPORT, None)
    if report is None or not report.passed:
        await people.report(ARTIFACTS / re.sub(r"\W+", "-", request.node.name))
    crashes = [f"{person.name}: {crash}" for person in people.all for crash in person.crashes]
    await people.go_home()
    assert not crashes, "a page threw what nobody caught: " + "; ".join(crashes)


_REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fixtures learn whether the test passed."""
    report = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report
