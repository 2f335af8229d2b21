"""The SDK without our page: screens, devices that are switched and pulled, who speaks, what is passed on."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.browser import People
from tests.support.replica import Replica, running_system
from tests.support.sdk import SdkUser

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SHARE = "() => window.nexusvibe.room.shareScreen().then(({ video, audio }) => [video.source, audio?.source])"


@pytest_asyncio.fixture(loop_scope="session")
async def replica(backend: str) -> AsyncIterator[Replica]:
    async with running_system(backend, spare=0) as system:
        yield system.replicas[0]


async def two(people: People, replica: Replica, *publishes: str) -> tuple[SdkUser, SdkUser]:
    """Ann, who publishes, and Bob, who only watches."""
    ann, bob = await people.arrives_as(SdkUser, "ann"), await people.arrives_as(SdkUser, "bob")
    await ann.joins_with_the_sdk(replica, *publishes)
    await bob.joins_with_the_sdk(replica)
    return ann, bob


async def test_a_screen_is_seen_and_heard_until_its_picture_ends(replica: Replica, people: People) -> None:
    ann, bob = await two(people, replica)
    assert await ann.evaluate(SHARE) == ["screen", "screen_audio"]
    await bob.receives("ann", "video")
    await bob.receives("ann", "audio")
    sources = "[...window.nexusvibe.room.state.tracks.values()].map(({ source }) => source).sort().join()"
    assert await bob.evaluate(sources) == "screen,screen_audio"
    # As the browser's own button to stop sharing does it.
    await ann.evaluate("window.nexusvibe.room.screenShare.video.mediaTrack.dispatchEvent(new Event('ended'))")
    await bob.until(f"{sources} === ''", "still had tracks of a screen that is not shared any more")
    assert await ann.evaluate("window.nexusvibe.room.screenShare") is None


async def test_another_microphone_is_heard_without_another_offer_and_so_is_the_one_left_when_it_is_pulled(
    replica: Replica, people: People
) -> None:
    ann, bob = await two(people, replica, "microphone")
    await bob.receives("ann", "audio")
    offers = await ann.offers()
    microphones = "window.nexusvibe.devices.list.microphones.map(({ deviceId }) => deviceId)"
    ids = await ann.evaluate(microphones)
    assert len(ids) > 1
    await ann.evaluate("(id) => window.nexusvibe.devices.open('microphone', id).then(() => null)", ids[-1])
    assert (
        await ann.evaluate("window.nexusvibe.room.localTrack('microphone').mediaTrack.getSettings().deviceId")
        == ids[-1]
    )
    await bob.receives("ann", "audio")

    await ann.evaluate(
        """(gone) => {
          const { mediaDevices } = navigator;
          const all = mediaDevices.enumerateDevices.bind(mediaDevices);
          mediaDevices.enumerateDevices = async () => (await all()).filter(({ deviceId }) => deviceId !== gone);
          mediaDevices.dispatchEvent(new Event("devicechange"));
        }""",
        ids[-1],
    )
    await ann.until(
        "window.nexusvibe.switches.at(-1) === 'unplugged'",
        "did not go on with the microphone that is left",
    )
    assert await ann.evaluate("window.nexusvibe.devices.microphone.deviceId") in ids[:-1]
    await bob.receives("ann", "audio")
    assert await ann.offers() == offers


async def test_who_speaks_is_known_to_the_others_and_to_themselves(replica: Replica, people: People) -> None:
    ann, bob = await two(people, replica, "microphone")
    me = await ann.evaluate("window.nexusvibe.room.me.id")
    await bob.until(f"window.nexusvibe.room.activeSpeaker === '{me}'", "did not learn that ann speaks")
    await bob.until(f"window.nexusvibe.room.audioLevel('{me}') > 0.02", "did not hear how loud ann is")
    await ann.until(f"window.nexusvibe.room.audioLevel('{me}') > 0.02", "does not know that she is heard")
    assert await ann.evaluate("window.nexusvibe.room.activeSpeaker") is None
    await ann.evaluate("const { room } = window.nexusvibe; room.setMuted(room.localTrack('microphone'), true)")
    await bob.until(f"window.nexusvibe.room.audioLevel('{me}') < 0.01", "heard somebody who is muted")
    assert await bob.evaluate("window.nexusvibe.room.activeSpeaker") == me


async def test_saving_data_makes_the_picture_smaller_and_as_large_again_without_an_offer(
    replica: Replica, people: People
) -> None:
    ann, bob = await two(people, replica, "camera")
    await bob.receives("ann", "video")
    offers = await ann.offers()
    height = """(async () => {
      const report = await window.testConnections.at(-1).getStats();
      return Math.max(...[...report.values()].map(({ type, frameHeight = 0 }) =>
        type === "outbound-rtp" ? frameHeight : 0));
    })()"""
    full = await ann.evaluate(height)
    await ann.evaluate("window.nexusvibe.room.setDataSaver(true)")
    await ann.until(f"(await {height}) <= {full} / 2", "went on sending the whole picture")
    await ann.evaluate("window.nexusvibe.room.setDataSaver(false)")
    await ann.until(f"(await {height}) === {full}", "went on sending a small picture")
    await bob.receives("ann", "video")
    assert await ann.offers() == offers
