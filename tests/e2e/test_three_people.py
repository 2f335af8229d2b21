"""Three people in three browser windows, one room, one real SFU."""

from collections.abc import AsyncIterator
from itertools import permutations

import pytest
import pytest_asyncio

from tests.support.browser import People, Person
from tests.support.replica import Replica, running_system

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def replica(backend: str) -> AsyncIterator[Replica]:
    async with running_system(backend, spare=0) as system:
        yield system.replicas[0]


async def everybody_sees_and_hears_everybody(*everybody: Person) -> None:
    for one, other in permutations(everybody, 2):
        await one.sees(other.name)
        await one.hears(other.name)


async def test_three_people_see_and_hear_each_other(replica: Replica, people: People) -> None:
    everybody = [await people.arrives(name) for name in ("alice", "bob", "carol")]
    for person in everybody:
        await person.joins(replica, "demo")
    await everybody_sees_and_hears_everybody(*everybody)


async def test_one_leaves_and_comes_back(replica: Replica, people: People) -> None:
    alice, bob, carol = [await people.arrives(name) for name in ("alice", "bob", "carol")]
    for person in (alice, bob, carol):
        await person.joins(replica, "demo")
    await carol.leaves()
    await alice.is_alone_with("bob")
    await bob.is_alone_with("alice")
    await carol.joins(replica, "demo")
    await everybody_sees_and_hears_everybody(alice, bob, carol)


async def test_what_is_said_in_the_chat_is_read_once_by_everybody_also_by_who_comes_later(
    replica: Replica, people: People
) -> None:
    alice, bob, carol = [await people.arrives(name) for name in ("alice", "bob", "carol")]
    await alice.joins(replica, "demo")
    await bob.joins(replica, "demo")
    await alice.says("<b>hello</b> & welcome")
    await carol.joins(replica, "demo")
    for person in (alice, bob, carol):
        await person.reads("<b>hello</b> & welcome")


async def test_a_muted_microphone_is_heard_by_nobody_until_it_is_unmuted(replica: Replica, people: People) -> None:
    alice, bob = await people.arrives("alice"), await people.arrives("bob")
    await alice.joins(replica, "demo")
    await bob.joins(replica, "demo")
    await bob.hears("alice")
    await alice.toggles_microphone()
    await bob.does_not_hear("alice")
    await bob.sees("alice")
    await alice.toggles_microphone()
    await bob.hears("alice")


async def test_camera_that_is_published_and_stopped_ten_times_is_seen_each_time(
    replica: Replica, people: People
) -> None:
    alice, bob, carol = [await people.arrives(name) for name in ("alice", "bob", "carol")]
    for person in (alice, bob, carol):
        await person.joins(replica, "demo")
    for _ in range(10):
        await bob.sees("alice")
        await carol.sees("alice")
        await alice.stops_publishing("camera")
        await bob.does_not_see("alice", seconds=0.2)
        await alice.publishes("camera")
    await everybody_sees_and_hears_everybody(alice, bob, carol)


async def test_who_vanishes_is_gone_for_the_others(replica: Replica, people: People) -> None:
    alice, bob = await people.arrives("alice"), await people.arrives("bob")
    await alice.joins(replica, "demo")
    await bob.joins(replica, "demo")
    await alice.sees("bob")
    await bob.closes_the_window()
    await alice.does_not_see("bob")
