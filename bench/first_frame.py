"""From the click on "Join" to the first picture of somebody else, in Chromium, with the steps between.

Those who are there already send pictures that were encoded before, from a process of their own. Who joins has a window
and a profile of their own each time, and a camera and a microphone that they send, as people do.
"""

import asyncio
from collections import defaultdict
from pathlib import Path

from playwright.async_api import Browser

from bench.sfu_clients import ROOM
from bench.sfu_load import load
from bench.sfu_systems import nexusvibe_address
from bench.table import Row, percentile
from tests.support.browser import CAMERA, running_browser
from tests.support.replica import Replica, running_system

MARKS = Path(__file__).with_suffix(".js")
JOINS = 20
CAMERAS = (1, 9)
PATIENCE_S = 20.0
STEPS = (
    "websocket is open", "joined", "offer of the others' media", "ICE is connected", "DTLS is connected",
    "first picture",
)  # fmt: skip
_PREVIEW = """
async () => {
  const shows = (video) => video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  while (![...document.querySelectorAll("video")].some(shows)) await new Promise((done) => setTimeout(done, 20));
}
"""
_ALL_THERE = """
async (steps) => {
  while (!steps.every((step) => step in window.benchMarks)) await new Promise((done) => setTimeout(done, 20));
  return window.benchMarks;
}
"""


async def measure() -> list[Row]:
    rows: list[Row] = []
    async with running_browser() as browser:
        for backend in ("janus", "mediasoup"):
            for cameras in CAMERAS:
                rows += await _joins(browser, backend, cameras)
    return rows


async def _joins(browser: Browser, backend: str, cameras: int) -> list[Row]:
    times: defaultdict[str, list[float]] = defaultdict(list)
    async with running_system(backend, spare=0) as system:
        replica = system.replicas[0]
        async with load("nexusvibe", nexusvibe_address(system)) as senders:
            await senders.publish(0, cameras)
            for number in range(JOINS + 1):
                marks = await _join(browser, replica, f"guest{number}")
                if number:  # the first one is to warm up
                    for step in STEPS:
                        times[step].append(marks[step])
    title = f"{backend}, {cameras + 1} people"
    whole = times[STEPS[-1]]
    return [
        Row(f"{title}: first picture, p50", "ms", [percentile(whole, 0.5)]),
        Row(f"{title}: first picture, p95", "ms", [percentile(whole, 0.95)]),
        *(Row(f"  {step}", "ms", times[step]) for step in STEPS[:-1]),
    ]


async def _join(browser: Browser, replica: Replica, name: str) -> dict[str, float]:
    """When each step was done, in ms since the click."""
    context = await browser.new_context(permissions=["camera", "microphone"])
    try:
        await context.add_init_script(f"window.benchMe = {name!r};")
        await context.add_init_script(path=CAMERA)
        await context.add_init_script(path=MARKS)
        page = await context.new_page()
        await page.goto(replica.link(ROOM, name, name))
        async with asyncio.timeout(PATIENCE_S):
            await page.evaluate(_PREVIEW)
            await page.get_by_test_id("join").click()
            marks: dict[str, float] = await page.evaluate(_ALL_THERE, list(STEPS))
        return marks
    finally:
        await context.close()
