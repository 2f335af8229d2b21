"""Waiting to be let in, a locked room, a raised hand and a mute, in real browsers on two replicas and a real SFU."""

import pytest
from playwright.async_api import expect

from control_plane.database import Database
from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.records import RoomRecord, RoomRecords
from tests.support.browser import People, Person
from tests.support.replica import System, running_system

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def made(system: System, room: str, policy: RoomPolicy) -> None:
    """An integrator has made the room."""
    async with Database.connect(system.database_url) as database:
        await RoomRecords(database).add(RoomRecord(RoomId(room), policy), "operator", None)


async def knocks(person: Person, link: str) -> None:
    """Join, and come into the lobby."""
    await person.opens(link)
    await person.page.get_by_test_id("name-input").fill(person.name)
    await person.page.get_by_test_id("join").click()


async def test_somebody_waits_is_let_in_is_seen_and_raises_a_hand_until_the_door_is_locked(
    people: People, backend: str
) -> None:
    async with running_system(backend, replicas=2, spare=0) as system:
        first, second = system.replicas
        await made(system, "demo", RoomPolicy(lobby=True))
        alice, bob, carol = [await people.arrives(name) for name in ("alice", "bob", "carol")]
        await alice.joins(first, "demo", moderate=True)
        await knocks(bob, second.link("demo", "bob"))
        await expect(bob.page.get_by_test_id("waiting")).to_contain_text("as soon as a moderator lets you in")
        door = alice.page.get_by_test_id("door")
        await expect(door).to_contain_text("bob")
        assert await bob.evaluate("window.nexusvibe.room.state.participants.size") == 0

        await door.get_by_test_id("admit").click()
        await bob.is_in()
        await alice.sees("bob")
        await bob.sees("alice")
        await bob.hears("alice")
        await expect(door).to_be_hidden()

        await bob.page.get_by_test_id("hand").click()
        await expect(alice.tile("bob").get_by_test_id("tile-hand")).to_contain_text("1")
        await alice.tile("bob").get_by_test_id("mute-them").click()
        await expect(bob.page.get_by_test_id("call-notice")).to_contain_text("A moderator has muted you")
        await alice.does_not_hear("bob")
        await bob.toggles_microphone()
        await alice.hears("bob")

        await alice.page.get_by_test_id("lock").click()
        await expect(alice.page.get_by_test_id("lock")).to_have_attribute("aria-pressed", "true")
        await knocks(carol, second.link("demo", "carol"))
        await expect(carol.page.get_by_test_id("notice")).to_contain_text("The room is locked")
        await alice.sees("bob")
