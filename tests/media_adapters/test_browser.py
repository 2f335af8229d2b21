"""What aiortc can't do, in Chromium, on each adapter: simulcast layers, and ICE restarts on either connection."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from playwright.async_api import Page

from media_adapters.events import SubscriberOffered, TrackStarted
from media_adapters.models import SimulcastLayer
from tests.support import janus, mediasoup
from tests.support.media import Stage, stage
from tests.support.mirror import Alice, chromium

pytestmark = pytest.mark.browser


@pytest.fixture(params=[janus.running_janus, mediasoup.running_mediasoup], ids=["janus", "mediasoup"])
async def lobby(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    running: Callable[[], AbstractAsyncContextManager[janus.Server | mediasoup.Server]] = request.param
    async with running() as server, server.node() as node, stage(node) as here:
        yield here


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with chromium() as page:
        yield page


async def test_a_viewer_gets_the_layer_that_it_asks_for_without_a_new_offer(lobby: Stage, page: Page) -> None:
    alice = Alice(lobby, page)
    await alice.publishes(1)
    await lobby.event(TrackStarted)
    await alice.watches(SimulcastLayer.LOW)
    await alice.answers(1)
    await alice.sees(320)
    await alice.watches(SimulcastLayer.MEDIUM)
    await alice.sees(640)
    await alice.watches(SimulcastLayer.LOW)
    await alice.sees(320)
    assert lobby.count(SubscriberOffered) == 1
    assert (await lobby.node.load()).streams == 4


async def test_ice_restarts_of_both_connections_keep_the_picture(lobby: Stage, page: Page) -> None:
    alice = Alice(lobby, page)
    await alice.publishes(1)
    await alice.watches(SimulcastLayer.LOW)
    await alice.answers(1)
    await alice.sees()
    await alice.publishes(2, restart=True)
    await alice.sees(frames=20)
    await lobby.node.restart_ice(alice.ref)
    await alice.answers(2)
    await alice.sees(frames=20)
    assert lobby.count(TrackStarted) == 1
