"""Publishing by HTTP with real media, through real replicas and Janus: ffmpeg's encoder, and what breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from imageio_ffmpeg import get_ffmpeg_exe  # type: ignore[import-untyped]

from tests.support.client import Client, connected
from tests.support.processes import RunningProcess, running_process
from tests.support.replica import Replica, System, running_system
from tests.support.sfu import janus_of
from tests.support.whip import Http, encoder, fragment, http

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def system() -> AsyncIterator[System]:
    async with running_system(replicas=2, nodes=2, spare=0) as system:
        yield system


@pytest.fixture
async def asking() -> AsyncIterator[Http]:
    async with http() as asking:
        yield asking


@asynccontextmanager
async def moderator(replica: Replica) -> AsyncIterator[Client]:
    async with connected(replica.ws_url) as alice:
        await alice.join(replica.token("demo", "alice", name="alice", moderate=True))
        yield alice


@asynccontextmanager
async def ffmpeg(replica: Replica, token: str) -> AsyncIterator[RunningProcess]:
    """Somebody else's encoder: the command line of docs/whip.md with a test picture."""
    picture = ("-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=15")
    sound = ("-f", "lavfi", "-i", "sine=frequency=440")
    video = ("-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", "15", "-bf", "0")
    quick = ("-preset", "ultrafast", "-tune", "zerolatency")
    audio = ("-c:a", "libopus", "-ar", "48000", "-ac", "2")
    to = ("-f", "whip", "-authorization", token, f"{replica.url}/v1/whip")
    argv = (get_ffmpeg_exe(), "-hide_banner", "-nostdin", *picture, *sound, *video, *quick, *audio, *to)
    async with running_process("ffmpeg", *argv, cwd=Path.cwd()) as process:
        try:
            yield process
        finally:
            await process.kill()  # it does not end by itself when nobody takes its media


async def publishes(alice: Client) -> dict[str, str]:
    """Who has begun to publish sound and pictures: their participant."""
    tracks = [(await alice.hears("track.published"))["track"] for _ in range(2)]
    assert {track["kind"] for track in tracks} == {"audio", "video"}
    joined = (await alice.hears("participant.joined"))["participant"]
    assert {track["participant"] for track in tracks} == {joined["id"]}
    return dict(joined)


async def has_received(system: System, more_than: int = 0) -> int:
    """Bytes that the SFUs received, once they are more."""
    async with AsyncExitStack() as stack, asyncio.timeout(20):
        januses = [await stack.enter_async_context(janus_of(system.folder / node.name)) for node in system.nodes]
        while (total := sum([sum((await janus.received()).values()) for janus in januses])) <= more_than:  # noqa: ASYNC110 - Janus tells nobody
            await asyncio.sleep(0.1)
        return total


async def nothing_is_left_of_it(system: System) -> None:
    """No SFU has a handle that received media. Alice's own never do."""
    for node in system.nodes:
        async with janus_of(system.folder / node.name) as janus, asyncio.timeout(10):
            while await janus.received():  # noqa: ASYNC110 - Janus tells nobody
                await asyncio.sleep(0.1)


async def test_ffmpeg_publishes_and_is_removed(system: System) -> None:
    here, there = system.replicas
    async with moderator(there) as alice, ffmpeg(here, here.token("demo", "obs")):
        joined = await publishes(alice)
        await has_received(system, more_than=await has_received(system))
        await alice.asks("kick", participant=joined["id"])
        assert (await alice.hears("participant.left"))["reason"] == "removed"
        await nothing_is_left_of_it(system)


async def test_a_killed_replica_costs_the_publisher_nothing(system: System, asking: Http) -> None:
    here, there = system.replicas
    shown = here.token("demo", "obs")
    async with moderator(there) as alice, encoder(asking, here.url, shown) as posted:
        joined = await publishes(alice)
        path, before = posted.headers["Location"], await has_received(system)
        await here.process.kill()
        assert (await asking.patch(there.url + path, shown, fragment(), '"no"')).status == 412
        for connected_now in (False, True):
            await alice.hears("participant.updated", participant={**joined, "connected": connected_now})
        await has_received(system, more_than=before)
        assert [event for event in alice.events if event["type"].startswith("track")] == []
        assert await asking.delete(there.url + path, shown) == 200
        assert (await alice.hears("participant.left"))["reason"] == "left"


async def test_who_vanishes_after_its_replica_was_killed_is_gone_once_its_media_are(
    system: System, asking: Http
) -> None:
    here, there = system.replicas
    async with moderator(there) as alice:
        async with encoder(asking, here.url, here.token("demo", "obs")):
            joined = await publishes(alice)
            await here.process.kill()
            for connected_now in (False, True):
                await alice.hears("participant.updated", participant={**joined, "connected": connected_now})
        assert (await alice.until(lambda event: event["type"] == "participant.left"))["participant"] == joined["id"]


async def test_a_lost_node_ends_the_publication_and_posting_again_goes_elsewhere(system: System, asking: Http) -> None:
    here, there = system.replicas
    shown = here.token("demo", "obs")
    async with moderator(there) as alice:
        async with encoder(asking, here.url, shown) as posted:
            await publishes(alice)
            serving = next(node for node in system.nodes if any("replica_connected" in line for line in node.lines))
            await serving.kill()
            assert (await alice.hears("participant.left"))["reason"] == "left"
            assert await asking.get(here.url + posted.headers["Location"], shown) == 404
        async with encoder(asking, here.url, shown):
            await publishes(alice)
