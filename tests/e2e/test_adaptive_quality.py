"""What is shown small arrives small, what is out of sight does not arrive, and sound always does."""

import asyncio
import re
import time

import pytest
from playwright.async_api import expect

from tests.support.browser import PATIENCE, People
from tests.support.replica import running_system

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PATIENCE_MS = 1000 * PATIENCE
CAMERA = (1280, 720)
NARROW = (390, 600)
"""Two small tiles beside one another, the third below."""
APART = 1000
"""Pixels between the rows: the third is out of sight until one scrolls to it."""
WIDE = (1400, 1200)
REQUESTS_PER_SECOND = 4
STEADY_SOUND = 40
"""Packets a second of the 50 that are sent: some are late on a busy machine, a second without any is not."""


async def test_a_picture_arrives_as_large_as_it_is_shown_and_only_while_it_is_while_sound_goes_on(
    people: People,
    backend: str,
) -> None:
    async with running_system(backend, spare=0) as system:
        replica = system.replicas[0]
        bob = await people.arrives("bob", window=NARROW)
        carol = await people.arrives("carol", window=WIDE)
        alice = await people.arrives("alice", camera=CAMERA)
        for person in (bob, carol):
            await person.joins(replica, "demo")
            await person.toggles_camera()  # only alice's picture matters
        await alice.joins(replica, "demo")
        await bob.has_rows_apart(APART)

        await bob.hears("alice")
        before, began = await bob.packets_heard("alice"), time.monotonic()

        await bob.scrolls_to("alice")
        await bob.sees_with_height("alice", 90, 180)
        await carol.sees_with_height("alice", 360, 720)

        await bob.scrolls_to("bob")
        await bob.is_sent_no_picture_of("alice")
        await carol.sees("alice")

        await bob.scrolls_to("alice")
        await bob.sees("alice")
        await bob.sees_with_height("alice", 90, 180)

        await bob.has_rows_apart(0)
        await bob.resizes_the_window(*WIDE)
        await bob.sees_with_height("alice", 360, 720)
        await bob.resizes_the_window(*NARROW)
        await bob.sees_with_height("alice", 90, 180)

        heard = await bob.packets_heard("alice") - before
        assert heard > STEADY_SOUND * (time.monotonic() - began)


async def test_scrolling_up_and_down_tells_the_server_little_and_ends_with_what_is_seen(
    people: People, backend: str
) -> None:
    async with running_system(backend, spare=0) as system:
        replica = system.replicas[0]
        bob = await people.arrives("bob", window=NARROW)
        carol, alice = await people.arrives("carol"), await people.arrives("alice")
        sent: list[str | bytes] = []

        def note(frame: str | bytes) -> None:
            sent.append(frame)

        bob.page.on("websocket", lambda socket: socket.on("framesent", note))
        for person in (bob, carol, alice):
            await person.joins(replica, "demo")
        await bob.has_rows_apart(APART)
        await bob.scrolls_to("alice")
        await bob.sees("alice")
        sent.clear()
        began = time.monotonic()
        for _ in range(20):
            for tile in ("bob", "alice"):
                await bob.scrolls_to(tile)
                await asyncio.sleep(0.05)
        await bob.sees("alice")
        # On an idle machine none or one; on a busy one a scroll may last long enough to count as scrolled away.
        requests = sum('"subscribe"' in str(frame) for frame in sent)
        assert requests <= 1 + REQUESTS_PER_SECOND * (time.monotonic() - began)
        await bob.hears("alice")


async def test_each_tile_tells_how_its_picture_arrives(people: People, backend: str) -> None:
    async with running_system(backend, spare=0) as system:
        replica = system.replicas[0]
        bob, alice = await people.arrives("bob"), await people.arrives("alice")
        for person in (bob, alice):
            await person.joins(replica, "demo")
        await bob.sees("alice")
        theirs, own = bob.tile("alice"), bob.tile("bob")
        for tile, name in ((theirs, "alice"), (own, "bob")):  # how good is the machine's affair
            verdict = re.compile(f"Connection of {name}: (good|fair|poor)")
            await expect(tile.get_by_test_id("signal")).to_have_attribute("aria-label", verdict, timeout=PATIENCE_MS)
        await theirs.get_by_test_id("signal").click()
        figures = theirs.get_by_test_id("figures")
        await expect(figures).to_contain_text(re.compile("Picture.*Frames.*Data.*Lost.*Sound"))

        await alice.toggles_camera()
        await expect(figures).not_to_contain_text("Picture", timeout=PATIENCE_MS)
        await expect(figures).to_contain_text("Sound")
