"""Visitors of the page, on a desktop or a phone: what their page looks like, and whether everybody can use it.

Each `shows` leaves a picture in `artifacts/page/`, to be looked through by people.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, expect

from tests.support.browser import ARTIFACTS, PATIENCE, People, Person
from tests.support.replica import Replica

PICTURES = ARTIFACTS / "page"
expect.set_options(timeout=1000 * PATIENCE)  # five seconds, as it is else, are little on a busy machine
_AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
# `region`: an open menu is no part of a landmark.
_RUN_AXE = """
async () => {
  const { violations } = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    rules: { region: { enabled: false } },
  });
  return violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map(({ html, any }) =>
    `${html.slice(0, 160)} ${any.map(({ message }) => message).join("; ")}`) }));
}
"""
# What can be pressed, is on the screen, and is smaller than a finger. Words in a line and what a label enlarges are not
# meant (WCAG 2.5.5).
_TOO_SMALL = """
(least) => [...document.querySelectorAll("button, select, [role=menuitem], [role=tab]")]
  .filter((element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .map((element) => ({ element, box: element.getBoundingClientRect() }))
  .filter(({ box }) => box.width > 0 && (box.width < least || box.height < least))
  .map(({ element, box }) => `${element.outerHTML.slice(0, 120)} is ${box.width} x ${box.height}`)
"""
# A window of one's own: what one shares is painted, for a machine without screens.
SCREEN = """
navigator.mediaDevices.getDisplayMedia = async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
  const context = canvas.getContext("2d");
  let frame = 0;
  setInterval(() => {
    context.fillStyle = "#fbfaf7";
    context.fillRect(0, 0, 1280, 720);
    context.fillStyle = "#1d2733";
    context.font = "600 44px sans-serif";
    context.fillText("Plan for the quarter", 80, 110);
    context.font = "30px sans-serif";
    for (const [line, text] of ["Calls that survive a node", "One page for all", "Figures, then words"].entries())
      context.fillText(`${line + 1}.  ${text}`, 90, 200 + line * 64);
    context.fillStyle = "#2456d6";
    context.fillRect(80, 600, (frame++ * 8) % 1120, 12);
  }, 200);
  return canvas.captureStream(5);
};
"""


@dataclass(frozen=True)
class Size:
    name: str
    window: tuple[int, int]
    context: dict[str, Any]


DESKTOP = Size("desktop", (1280, 800), {})
PHONE = Size("phone", (390, 844), {"has_touch": True, "is_mobile": True, "device_scale_factor": 2})


class Visitor(Person):
    """Somebody on the page whom the test looks over the shoulder."""

    size: Size = DESKTOP

    def part(self, test_id: str) -> Locator:
        return self._part(test_id)

    async def presses(self, *test_ids: str) -> None:
        for test_id in test_ids:
            await self._part(test_id).click()

    async def waits_until(self, condition: str, otherwise: str) -> None:
        """A condition in JavaScript comes to hold."""
        await self._holds(condition, otherwise)

    async def knocks(self, replica: Replica, room: str, **grants: Any) -> None:
        """Ask to be let in, whatever comes of it."""
        await self.opens(replica.link(room, **grants))
        await self.part("name-input").fill(self.name)
        await self.part("join").click()

    async def shows(self, state: str) -> None:
        """Everybody can use what is on the screen now, which is kept as a picture."""
        await self.page.evaluate(
            "() => Promise.allSettled(document.getAnimations().filter((one) => one.effect.getTiming().iterations === 1)"
            ".map((one) => one.finished))"
        )
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.screenshot(PICTURES / f"{state}-{self.size.name}.png")
        await self.page.evaluate(_AXE.read_text("utf-8"))
        violations: Sequence[dict[str, Any]] = await self.page.evaluate(_RUN_AXE)
        assert not violations, f"{state}: {json.dumps(violations, indent=1)}"
        if self.size is PHONE:
            small: list[str] = await self.page.evaluate(_TOO_SMALL, 43.5)
            assert not small, f"{state}: too small for a finger: {small}"
        sideways: bool = await self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not sideways, f"{state}: one has to scroll sideways"


async def visits(people: People, name: str, size: Size, **options: Any) -> Visitor:
    """Somebody opens a window of this size."""
    visitor = await people.arrives_as(Visitor, name, window=size.window, **size.context, **options)
    visitor.size = size
    return visitor
