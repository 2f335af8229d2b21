"""The SDK when networks change and servers are away for long."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.browser import People
from tests.support.replica import System, running_system
from tests.support.sdk import SdkUser

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

UFRAGS = r"""
window.testConnections.map(({ localDescription }) => /a=ice-ufrag:(\S+)/.exec(localDescription?.sdp ?? "")?.[1])
""".strip()
"""The ICE user name fragment of each connection: another one after each restart."""


@pytest_asyncio.fixture(loop_scope="session")
async def system(backend: str) -> AsyncIterator[System]:
    async with running_system(backend, spare=1) as system:
        yield system


async def test_another_network_restarts_the_ice_of_both_connections_and_media_go_on(
    system: System, people: People
) -> None:
    (replica,) = system.replicas
    ann, bob = await people.arrives_as(SdkUser, "ann"), await people.arrives_as(SdkUser, "bob")
    await ann.joins_with_the_sdk(replica, "camera", "microphone")
    await bob.joins_with_the_sdk(replica, "microphone")
    await bob.receives("ann", "video")
    await ann.receives("bob", "audio")
    assert len(await ann.evaluate(f"window.testUfrags = {UFRAGS}")) == 2
    for offline in (True, False):
        await ann.page.context.set_offline(offline)
    await ann.until(
        f"{UFRAGS}.every((ufrag, index) => ufrag !== window.testUfrags[index])",
        "kept a way through the network that it had before",
    )
    await bob.receives("ann", "video")
    await bob.receives("ann", "audio")
    await ann.receives("bob", "audio")
    assert await ann.evaluate("window.testConnections.length") == 2


@pytest.mark.timeout(300)  # two replicas start, one after the other
async def test_who_was_cut_off_until_the_room_was_forgotten_is_in_it_again_with_all_media(
    system: System, people: People
) -> None:
    (first,) = system.replicas
    later = f"ws://127.0.0.1:{system.replica_ports[1]}/v1/signal"
    ann, bob = await people.arrives_as(SdkUser, "ann"), await people.arrives_as(SdkUser, "bob")
    await ann.joins_with_the_sdk(first, "microphone", others=[later])
    await bob.joins_with_the_sdk(first, "microphone", others=[later])
    await ann.receives("bob", "audio")
    before = await ann.evaluate("window.nexusvibe.room.me.id")
    await first.process.kill()
    for person in (ann, bob):
        await person.until("window.nexusvibe.room.connection === 'reconnecting'", "did not notice the loss")
    assert await ann.evaluate("window.nexusvibe.room.reconnectingSince") > 0
    await system.redis.restart_empty()
    second = await system.start_replica()
    await second.until_ready()
    for person in (ann, bob):
        await person.evaluate("window.dispatchEvent(new Event('online'))")
        await person.until("window.nexusvibe.room.connection === 'connected'", "did not come back")
        await person.is_alone_with("ann", "bob")
    assert await ann.evaluate("window.nexusvibe.room.me.id") != before
    await ann.receives("bob", "audio")
    await bob.receives("ann", "audio")
