"""A moderator removes somebody, in real browsers, on two replicas and a real SFU."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.support.browser import People, Person
from tests.support.replica import Replica, running_system

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# A client that does not let go: its connections stay open whatever its page is told.
STUBBORN = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...settings) { super(...settings); window.connections.push(this); }
  close() {}
};
"""
RECEIVED = """
async () => {
  const reports = await Promise.all(window.connections.map((connection) => connection.getStats()));
  const inbound = reports.flatMap((report) => [...report.values()]).filter(({ type }) => type === "inbound-rtp");
  return inbound.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
}
"""


# Collects what the page connects with.
WATCHED = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...settings) { super(...settings); window.connections.push(this); }
};
"""
# When the tile of `identity` is gone, in milliseconds that all windows share.
GONE_AT = """
(identity) => new Promise((resolve) => {
  const look = () => {
    if (document.querySelector(`[data-testid=grid] [data-identity="${identity}"]`)) return false;
    resolve(Date.now());
    return true;
  };
  if (!look()) new MutationObserver((_, observer) => look() && observer.disconnect())
    .observe(document, { childList: true, subtree: true });
})
"""


async def loses_sight_within_a_second(watcher: Person, other: str, act: Callable[[], Awaitable[object]]) -> None:
    """From the moment at which the moderator acts."""
    gone = asyncio.create_task(watcher.evaluate(GONE_AT, other))
    await watcher.sees(other)
    began: float = await watcher.evaluate("() => Date.now()")
    await act()
    assert await gone - began < 1000


async def is_refused(person: Person, replica: Replica, identity: str, sentence: str) -> None:
    """Comes with a new token for this identity, and is told why not."""
    await person.opens(replica.link("demo", identity))
    await person.page.reload()  # another fragment alone loads nothing
    await person.page.get_by_test_id("name-input").fill(identity)
    await person.page.get_by_test_id("join").click()
    await expect(person.page.get_by_test_id("notice")).to_contain_text(sentence)


async def receives_nothing_any_more(person: Person) -> None:
    """What was under way when they were removed may still arrive."""
    await person.page.wait_for_timeout(1000)
    before = await person.evaluate(RECEIVED)
    await person.page.wait_for_timeout(2000)
    assert before > 0
    assert await person.evaluate(RECEIVED) == before


async def test_who_is_kicked_is_gone_for_the_others_receives_nothing_and_does_not_come_back(
    people: People, backend: str
) -> None:
    async with running_system(backend, replicas=2, spare=0) as system:
        first, second = system.replicas
        alice, bob, carol = [await people.arrives(name) for name in ("alice", "bob", "carol")]
        await bob.page.add_init_script(STUBBORN)
        await alice.joins(first, "demo", moderate=True)
        await bob.joins(second, "demo")
        await carol.joins(first, "demo")
        await alice.sees("bob")
        await carol.sees("bob")
        await bob.sees("alice")
        await carol.is_offered_to_remove("bob", False)

        await alice.is_about_to_remove("bob")
        await loses_sight_within_a_second(carol, "bob", alice.confirms_the_removal)
        for person, other in ((alice, "carol"), (carol, "alice")):
            await person.is_alone_with(other)
            await person.has_no_tile_of("bob")
        await receives_nothing_any_more(bob)

        notice = bob.page.get_by_test_id("notice")
        await expect(notice).to_contain_text("You were removed from the room.")
        await bob.page.get_by_test_id("join").click()
        await expect(notice).to_contain_text("You were removed from this room.")
        await alice.is_alone_with("carol")
        await alice.sees("carol")


async def test_who_is_banned_stays_out_at_every_replica_on_that_device_and_after_redis_was_emptied(
    people: People,
) -> None:
    async with running_system(replicas=2, spare=0) as system:
        first, second = system.replicas
        alice, bob = await people.arrives("alice"), await people.arrives("bob")
        await bob.page.add_init_script(WATCHED)
        await alice.joins(first, "demo", moderate=True)
        await bob.joins(second, "demo")
        await bob.sees("alice")
        ban = """
        () => {
          const { room } = window.nexusvibe;
          const bob = [...room.state.participants.values()].find(({ identity }) => identity === "bob");
          return room.ban(bob.id, { device: true });
        }
        """
        await loses_sight_within_a_second(alice, "bob", lambda: alice.evaluate(ban))
        notice = bob.page.get_by_test_id("notice")
        await expect(notice).to_contain_text("You were removed from the room.")
        assert set(await bob.evaluate("() => window.connections.map((each) => each.signalingState)")) == {"closed"}
        await bob.page.get_by_test_id("join").click()
        await expect(notice).to_contain_text("You are banned from this room.")

        await is_refused(bob, first, "bob", "You are banned from this room.")
        await is_refused(bob, second, "somebody-else", "You are banned from this room.")
        await system.redis.restart_empty()
        for replica in system.replicas:
            await replica.until_ready()
            await is_refused(bob, replica, "bob", "You are banned from this room.")
        await is_refused(bob, second, "somebody-else", "You are banned from this room.")
        carol = await people.arrives("carol")
        await carol.joins(second, "demo")
        await carol.sees("alice")


async def test_a_camera_that_is_forbidden_goes_dark_for_the_others_and_comes_back_when_it_is_allowed(
    people: People,
    backend: str,
) -> None:
    async with running_system(backend, replicas=2, spare=0) as system:
        first, second = system.replicas
        alice, bob = await people.arrives("alice"), await people.arrives("bob")
        await alice.joins(first, "demo", moderate=True)
        await bob.joins(second, "demo")
        await alice.sees("bob")
        change = """
        (publish) => {
          const { room } = window.nexusvibe;
          const bob = [...room.state.participants.values()].find(({ identity }) => identity === "bob");
          return room.setPermissions(bob.id, { publish });
        }
        """
        await alice.evaluate(change, ["microphone"])
        await alice.does_not_see("bob")
        await alice.hears("bob")
        await alice.evaluate(change, ["microphone", "camera"])
        await alice.sees("bob")
        await alice.hears("bob")
