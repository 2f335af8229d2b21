"""A call as people use it, on a desktop and on a phone, with others in real browsers and a real SFU."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.support.browser import People
from tests.support.replica import Replica, System, running_system
from tests.support.visitor import DESKTOP, PHONE, SCREEN, Size, Visitor, visits

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


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


async def in_a_call(replica: Replica, people: People, room: str, size: Size) -> tuple[Visitor, Visitor]:
    """Ann moderates, with the window that is looked at; bob is there, too. They see each other."""
    ann, bob = await visits(people, "ann", size), await visits(people, "bob", DESKTOP)
    await ann.page.add_init_script(SCREEN)
    await bob.page.add_init_script(SCREEN)
    await ann.joins(replica, room, moderate=True)
    await bob.joins(replica, room)
    await ann.sees("bob")
    return ann, bob


async def test_one_writes_reads_who_is_there_reacts_and_raises_a_hand(
    replica: Replica, people: People, size: Size
) -> None:
    ann = await visits(people, "ann", size)
    await ann.joins(replica, f"talk-{size.name}", moderate=True)
    await expect(ann.page.get_by_text("You are alone here.")).to_be_visible()
    await ann.shows("call-alone")
    bob, carol = await visits(people, "bob", DESKTOP), await visits(people, "carol", DESKTOP)
    for person in (bob, carol):
        await person.joins(replica, f"talk-{size.name}")
    await carol.toggles_camera()
    await ann.sees("bob")
    await bob.says("Shall we begin?")
    if size is PHONE:
        await expect(ann.part("chat-toggle")).to_have_accessible_name("Chat: 1 new message")
        await ann.shows("call")
        await ann.presses("chat-toggle")
    await ann.reads("Shall we begin?")
    await ann.says("Yes! One moment, I fetch the plan: https://example.org/" + "long/" * 12)
    await bob.reads("One moment")
    await ann.shows("call-chat")

    await bob.presses("hand")
    await ann.presses("tab-people")
    people_list = ann.part("people")
    await expect(people_list.locator("[data-person=bob]").get_by_role("img", name="number 1 in line")).to_be_visible()
    await expect(people_list.locator("[data-person=ann]")).to_contain_text("Moderator")
    await expect(people_list.locator("[data-person=carol]").get_by_role("img", name="Camera off")).to_be_visible()
    await ann.shows("call-people")
    await ann.presses("close-panel")

    flies = expect(ann.tile("bob").get_by_test_id("reaction")).to_be_visible()
    await asyncio.gather(flies, bob.presses("react", "react-clap"))
    await expect(ann.part("news")).to_have_text("bob: Applause")
    await ann.presses("react")
    await ann.shows("call-reactions")
    await ann.presses("react-party")
    await expect(bob.part("news")).to_have_text("ann: Celebration")


async def test_a_moderator_mutes_ends_lowers_and_removes_and_is_asked_before_the_last(
    replica: Replica, people: People, size: Size
) -> None:
    ann, bob = await in_a_call(replica, people, f"order-{size.name}", size)
    await bob.presses("hand")
    menu = ann.tile("bob").get_by_test_id("tile-menu")
    await expect(ann.tile("bob").get_by_test_id("tile-hand")).to_be_visible()
    await menu.click()
    await ann.shows("call-tile-menu")
    await ann.presses("do-lower-hand")
    await expect(bob.part("hand")).to_have_attribute("aria-pressed", "false")
    await menu.click()
    await ann.presses("do-mute")
    await expect(bob.part("call-notice")).to_contain_text("A moderator has muted you")
    await expect(bob.part("mic")).to_have_attribute("aria-pressed", "false")
    await menu.click()
    await ann.presses("do-stop-camera")
    await expect(ann.tile("bob").get_by_test_id("camera-off")).to_be_attached()
    await expect(bob.part("call-notice")).to_contain_text("A moderator has ended what you were sending.")
    await bob.shows("call-notice")
    await bob.toggles_camera()
    await ann.sees("bob")
    await bob.toggles_microphone()
    await ann.hears("bob")

    await menu.click()
    await ann.presses("do-remove")
    await expect(ann.page.get_by_role("dialog", name="Remove bob?")).to_be_visible()
    await ann.presses("removal-day")
    await ann.shows("call-removal")
    await ann.presses("confirm-removal")
    await ann.has_no_tile_of("bob")
    await expect(bob.part("notice")).to_have_attribute("data-code", "removed")
    await bob.shows("ending-removed")
    await bob.presses("join")
    await expect(bob.part("notice")).to_contain_text("You are banned from this room until")
    await bob.shows("ending-banned")


async def test_a_screen_is_shown_large_beside_those_who_talk_until_it_ends(
    replica: Replica, people: People, size: Size
) -> None:
    ann, bob = await in_a_call(replica, people, f"screen-{size.name}", size)
    await bob.presses("share")
    await expect(ann.part("screen").locator("video")).to_be_visible()
    await expect(ann.part("grid")).to_have_attribute("data-shape", "side" if size is DESKTOP else "below")
    await ann.waits_until(
        "document.querySelector('[data-testid=screen] video').videoWidth >= 640", "did not get bob's screen"
    )
    await ann.sees("bob")
    await ann.shows("call-screen")
    await expect(bob.page.get_by_text("You share your screen.")).to_be_visible()
    await bob.shows("call-sharing")

    await ann.tile("bob").get_by_test_id("tile-menu").click()
    await ann.presses("pin")
    await ann.waits_until(
        "document.querySelector('[data-identity=bob]').clientWidth >"
        " document.querySelector('[data-testid=screen]').clientWidth",
        "did not see bob large",
    )
    await ann.shows("call-pinned")
    await bob.presses("share")
    await expect(ann.part("screen")).to_have_count(0)


async def test_who_can_use_only_a_keyboard_does_it_all_and_the_focus_comes_back(
    replica: Replica, people: People
) -> None:
    ann, bob = await in_a_call(replica, people, "keys", DESKTOP)
    keyboard = ann.page.keyboard
    await ann.page.locator("body").focus()
    await keyboard.press("m")
    await expect(ann.part("mic")).to_have_attribute("aria-pressed", "false")
    await expect(bob.tile("ann").get_by_test_id("muted")).to_be_visible()
    await keyboard.press("p")
    await expect(ann.part("people")).to_be_visible()
    await keyboard.press("l")
    await expect(ann.part("grid")).to_have_attribute("data-shape", "side")
    await keyboard.press("l")
    await keyboard.press("c")
    await ann.part("chat-input").focus()
    await keyboard.type("map")  # letters, and no shortcuts
    await keyboard.press("Enter")
    await bob.reads("map")
    await expect(ann.part("camera")).to_have_attribute("aria-pressed", "true")

    await ann.part("more").focus()
    await keyboard.press("Enter")
    await expect(ann.page.get_by_role("menuitem").first).to_be_focused()
    await keyboard.press("End")
    await expect(ann.part("shortcuts")).to_be_focused()
    await keyboard.press("Enter")
    dialog = ann.page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(dialog).to_be_visible()
    await ann.shows("call-shortcuts")
    await keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await ann.tile("bob").get_by_test_id("tile-menu").focus()
    await keyboard.press("Enter")
    await expect(ann.page.get_by_role("menuitem").first).to_be_focused()
    await keyboard.press("Escape")
    await expect(ann.tile("bob").get_by_test_id("tile-menu")).to_be_focused()


async def test_settings_hold_at_once_and_at_the_next_visit(replica: Replica, people: People, size: Size) -> None:
    ann, _ = await in_a_call(replica, people, f"settings-{size.name}", size)
    await ann.presses("more", "settings")
    dialog = ann.page.get_by_role("dialog")
    await dialog.get_by_label("Save data").check()
    await ann.waits_until("window.nexusvibe.room.dataSaver", "saves no data")
    await ann.shows("settings")
    await dialog.get_by_label("Appearance").select_option("dark")
    await dialog.get_by_label("Language").select_option("de")
    await expect(dialog.get_by_role("heading", name="Einstellungen")).to_be_visible()
    assert await ann.evaluate("document.documentElement.lang") == "de"
    await ann.shows("settings-german-dark")
    await ann.page.keyboard.press("Escape")
    await ann.shows("call-german-dark")
    await ann.presses("leave")
    await ann.shows("ending-left-german-dark")
    await ann.page.reload()
    await expect(ann.page.get_by_role("heading", name="Bereit zum Beitreten?")).to_be_visible()
    await expect(ann.part("name-input")).to_have_value("ann")
    await ann.shows("lobby-german-dark")
    await ann.page.get_by_role("button", name="Español").click()
    await expect(ann.page.get_by_role("heading", name=re.compile("¿Todo listo"))).to_be_visible()
    await ann.shows("lobby-spanish-dark")


async def test_a_server_that_is_away_is_told_of_in_words_and_its_return_too(people: People, size: Size) -> None:
    async with running_system(spare=0) as system:
        ann, bob = await in_a_call(system.replicas[0], people, "demo", size)
        system.replicas[0].process.freeze()
        await expect(ann.part("lost")).to_contain_text("we keep trying")
        await expect(ann.part("state")).to_contain_text("Reconnecting…")
        await ann.shows("call-reconnecting")
        system.replicas[0].process.thaw()
        await expect(ann.part("state")).to_contain_text("Connected")
        await expect(ann.part("lost")).to_have_count(0)
        await ann.sees("bob")
        await bob.sees("ann")


async def test_a_crowd_fits_on_the_screen_and_one_scrolls_for_the_rest(
    replica: Replica, people: People, size: Size
) -> None:
    """Others join without a page: many people, hardly any work for this machine."""
    ann, _ = await in_a_call(replica, people, f"crowd-{size.name}", size)
    helper = await visits(people, "helper", DESKTOP)
    await helper.opens(f"{replica.url}/sdk/nexusvibe.js")
    tokens = [replica.token(f"crowd-{size.name}", f"guest{n}", f"Guest {n}") for n in range(1, 19)]
    await helper.evaluate(
        "async ([server, tokens]) => { const { Room } = await import('/sdk/nexusvibe.js');"
        " window.rooms = []; for (const token of tokens) { const room = new Room([server]);"
        " await room.join({ token, device: null }); window.rooms.push(room); } }",
        [replica.ws_url, tokens],
    )
    await expect(ann.part("tile")).to_have_count(20)
    await ann.shows("call-crowd")
    await ann.scrolls_to("guest18")
    await expect(ann.tile("guest18")).to_be_in_viewport()
