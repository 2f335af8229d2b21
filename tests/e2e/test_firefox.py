"""The same page in Firefox: somebody joins a call of people with Chromium, is seen and heard, and leaves."""

import aioice.ice
import pytest

from tests.support.browser import People
from tests.support.firefox import with_firefox
from tests.support.replica import running_system

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_people_with_firefox_and_chromium_see_and_hear_each_other(people: People, backend: str) -> None:
    async with running_system(backend, replicas=0, nodes=0, spare=1) as system, with_firefox("fiona") as fiona:
        await system.start_node(media_address=address_for_firefox())
        replica = await system.start_replica()
        await replica.until_ready()
        alice = await people.arrives("alice")
        await alice.joins(replica, "demo")
        await fiona.joins(replica.link("demo", "fiona", "fiona"))
        await fiona.sees("alice")
        await fiona.hears("alice")
        await alice.sees("fiona")
        await alice.hears("fiona")
        await fiona.leaves()
        await alice.has_no_tile_of("fiona")
        await fiona.joins(replica.link("demo", "fiona", "fiona"))
        await fiona.sees("alice")
        await alice.sees("fiona")


def address_for_firefox() -> str:
    """Firefox sends nothing from loopback where the machine has another address."""
    addresses: list[str] = aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False)
    return addresses[0] if addresses else "127.0.0.1"
