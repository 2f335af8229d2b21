"""The page before and after the call: landing, lobby, and every reason for not being in the room."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from control_plane.database import Database
from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.records import RoomRecord, RoomRecords
from tests.support.browser import People
from tests.support.ports import reserved_port
from tests.support.replica import Replica, System, running_system
from tests.support.visitor import DESKTOP, PHONE, Size, visits

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BEFORE_JOINING = 200_000
"""Bytes over the wire, compressed as replicas send them."""
WEIGHT = """
() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .map(({ name, encodedBodySize }) => [name, encodedBodySize])
"""
REFUSED = """
navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "REASON"); };
"""

# Nobody listens at that port any more.
ELSEWHERE = """
(port) => {
  const Native = WebSocket;
  window.WebSocket = class extends Native {
    constructor(url, protocols) { super(url.replace(/:[0-9]+/, `:${port}`), protocols); }
  };
}
"""


@pytest.fixture(params=[DESKTOP, PHONE], ids=lambda size: size.name)
def size(request: pytest.FixtureRequest) -> Size:
    chosen: Size = request.param
    return chosen


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def system() -> AsyncIterator[System]:
    async with running_system(spare=0) as system:
        yield system


@pytest_asyncio.fixture(loop_scope="session")
async def replica(system: System) -> Replica:
    return system.replicas[0]


async def made(system: System, room: str, policy: RoomPolicy) -> None:
    """An integrator has made the room."""
    async with Database.connect(system.database_url) as database:
        await RoomRecords(database).add(RoomRecord(RoomId(room), policy), "operator", None)


async def test_without_an_invitation_the_page_asks_for_one_and_says_when_a_link_is_none(
    replica: Replica, people: People, size: Size
) -> None:
    ann = await visits(people, "ann", size)
    await ann.opens(replica.url)
    await expect(ann.part("invitation")).to_be_visible()
    await ann.shows("landing")
    await ann.part("invitation").fill("demo")
    await ann.presses("open-invitation")
    await expect(ann.page.get_by_role("alert")).to_contain_text("no invitation link")
    await ann.shows("landing-invalid")
    await ann.part("invitation").fill(replica.link("demo", name="Ann"))
    await ann.presses("open-invitation")
    await expect(ann.part("name-input")).to_have_value("Ann")


async def test_in_the_lobby_one_sees_oneself_hears_oneself_and_chooses_devices(
    replica: Replica, people: People, size: Size
) -> None:
    ann = await visits(people, "ann", size)
    await ann.opens(replica.link("design-review"))
    await expect(ann.part("preview").locator("video")).to_be_visible()
    await ann.waits_until("document.querySelector('[data-testid=level]').ariaValueNow > 0", "heard nothing of oneself")
    await ann.shows("lobby")
    await ann.page.locator("summary").click()
    await expect(ann.page.get_by_label("Camera", exact=True).locator("option").first).to_contain_text("fake_device")
    await ann.shows("lobby-devices")
    await ann.presses("join")
    await expect(ann.part("notice")).to_contain_text("how the others should see you")
    await ann.presses("lobby-camera")
    await expect(ann.part("preview")).to_contain_text("Your camera is off.")
    await ann.shows("lobby-camera-off")


@pytest.mark.parametrize(
    ("reason", "sentence"), [("NotAllowedError", "Allow it beside the address"), ("NotFoundError", "None was found")]
)
async def test_without_a_camera_one_reads_why_and_gets_in_all_the_same(
    replica: Replica, people: People, size: Size, reason: str, sentence: str
) -> None:
    ann = await visits(people, "ann", size)
    await ann.page.add_init_script(REFUSED.replace("REASON", reason))
    await ann.opens(replica.link("demo"))
    await expect(ann.part("device-problem")).to_contain_text(sentence)
    await ann.shows(f"lobby-{reason}")
    await ann.enters()
    await expect(ann.part("mic")).to_have_attribute("aria-pressed", "false")


async def test_every_refusal_can_be_read_and_says_what_to_do(
    system: System, replica: Replica, people: People, size: Size
) -> None:
    ann = await visits(people, "ann", size)
    host = await visits(people, "host", DESKTOP)
    room = f"strict-{size.name}"
    await made(system, room, RoomPolicy(capacity=1))
    await host.joins(replica, room, moderate=True)

    async def reads(code: str, title: str) -> None:
        await expect(ann.part("notice")).to_have_attribute("data-code", code)
        await expect(ann.page.get_by_role("heading", name=title)).to_be_focused()
        await ann.shows(f"ending-{code}")

    await ann.opens(f"{replica.url}/#token=nonsense")
    await ann.part("name-input").fill("ann")
    await ann.presses("join")
    await reads("invalid_token", "This invitation is not valid here")
    await ann.knocks(replica, room)
    await reads("room_full", "The room is full")
    await host.presses("lock")
    await expect(host.part("lock")).to_have_attribute("aria-pressed", "true")
    await ann.presses("join")
    await reads("room_locked", "The room is closed to newcomers")
    await host.leaves()
    await host.shows("ending-left")
    await ann.knocks(replica, f"other-{size.name}")
    await ann.is_in()
    await ann.leaves()
    await ann.evaluate(ELSEWHERE, reserved_port())
    await ann.presses("join")
    await reads("server_unreachable", "The server can't be reached")


async def test_who_waits_is_told_so_until_a_moderator_decides(
    system: System, replica: Replica, people: People, size: Size
) -> None:
    ann, host = await visits(people, "ann", size), await visits(people, "host", size)
    room = f"lobby-{size.name}"
    await made(system, room, RoomPolicy(lobby=True))
    await host.joins(replica, room, moderate=True)
    await ann.knocks(replica, room)
    await expect(ann.part("waiting")).to_contain_text("as soon as a moderator lets you in")
    await ann.shows("waiting")
    await expect(host.part("door")).to_contain_text("ann")
    await host.shows("call-door")
    await host.presses("deny")
    await expect(ann.part("notice")).to_have_attribute("data-code", "lobby_denied")
    await ann.shows("ending-lobby_denied")


async def test_little_is_loaded_before_joining_from_nowhere_else_and_the_policy_forbids_nothing_of_it(
    replica: Replica, people: People
) -> None:
    ann = await visits(people, "ann", DESKTOP)
    await ann.opens(replica.link("demo"))
    await ann.page.wait_for_load_state("networkidle")
    loaded: list[tuple[str, int]] = await ann.evaluate(WEIGHT)
    assert all(url.startswith(replica.url) for url, _ in loaded), loaded
    assert any("/call-" in url for url, _ in loaded), "the call is loaded while one looks at oneself"
    assert 50_000 < sum(size for _, size in loaded) < BEFORE_JOINING, loaded
    response = await ann.page.request.get(replica.url)
    assert "unsafe" not in response.headers["content-security-policy"]
    await ann.enters()
    await ann.presses("more", "settings")
    await expect(ann.page.get_by_role("dialog")).to_be_visible()
    assert not ann.complaints
