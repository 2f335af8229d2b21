"""What aiortc can't do, in Chromium, on each adapter: simulcast layers, and ICE restarts on either connection."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from playwright.async_api import Page, async_playwright

from media_adapters.events import SubscriberOffered, TrackStarted
from media_adapters.models import (
    ParticipantId,
    PeerRef,
    PublishedTrack,
    PublisherOffer,
    SimulcastLayer,
    Subscription,
    TrackId,
    TrackKind,
    TrackSource,
)
from tests.support import janus, mediasoup
from tests.support.media import Stage, stage

pytestmark = pytest.mark.browser

CAMERA = TrackId("camera-of-alice")

PEER = """
(() => {
  const gathered = async (pc) => {
    while (pc.iceGatheringState !== "complete") await new Promise((go) => (pc.onicegatheringstatechange = go));
    return pc.localDescription.sdp;
  };
  const inbound = async () => [...(await subscriber.getStats()).values()].find((one) => one.type === "inbound-rtp");
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
  const picture = canvas.getContext("2d");
  let hue = 0;
  setInterval(() => {
    picture.fillStyle = `hsl(${hue++ % 360} 80% 50%)`;
    picture.fillRect((hue * 7) % 900, (hue * 3) % 400, 380, 320);
  }, 80);
  const publisher = new RTCPeerConnection();
  const subscriber = new RTCPeerConnection();
  // so little that all three fit into what a sender dares to send at first
  const layers = [["h", 1, 150000], ["m", 2, 80000], ["l", 4, 40000]];
  publisher.addTransceiver(canvas.captureStream().getVideoTracks()[0], {
    direction: "sendonly",
    sendEncodings: layers.map(([rid, by, maxBitrate]) => ({ rid, scaleResolutionDownBy: by, maxBitrate })),
  });
  const outbound = async () => [...(await publisher.getStats()).values()].filter((one) => one.type === "outbound-rtp");
  window.peer = {
    sends: async () =>
      (await outbound()).map((one) => [one.rid, one.frameWidth, one.framesEncoded, one.qualityLimitationReason].join()),
    offer: async (iceRestart) => {
      await publisher.setLocalDescription(await publisher.createOffer({ iceRestart }));
      return gathered(publisher);
    },
    accept: (sdp) => publisher.setRemoteDescription({ type: "answer", sdp }),
    answer: async (sdp) => {
      await subscriber.setRemoteDescription({ type: "offer", sdp });
      await subscriber.setLocalDescription(await subscriber.createAnswer());
      return gathered(subscriber);
    },
    shows: async (width, frames) => {
      const before = (await inbound())?.framesDecoded ?? 0;
      for (;;) {
        const now = await inbound();
        if (now?.framesDecoded >= before + frames && (!width || now.frameWidth === width)) return true;
        await new Promise((go) => setTimeout(go, 50));
      }
    },
  };
})()
"""


@pytest.fixture(params=[janus.running_janus, mediasoup.running_mediasoup], ids=["janus", "mediasoup"])
async def lobby(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    running: Callable[[], AbstractAsyncContextManager[janus.Server | mediasoup.Server]] = request.param
    async with running() as server, server.node() as node, stage(node) as here:
        yield here


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--allow-loopback-in-peer-connection", "--disable-dev-shm-usage"],
        )
        try:
            page = await browser.new_page()
            await page.evaluate(PEER)
            yield page
        finally:
            await browser.close()


class Alice:
    """Publishes a simulcast picture and watches herself."""

    def __init__(self, lobby: Stage, page: Page) -> None:
        self.ref = PeerRef(room=lobby.room, participant=ParticipantId("alice"), epoch=1)
        self._lobby = lobby
        self._page = page

    async def publishes(self, negotiation: int, *, restart: bool = False) -> None:
        sdp = await self._page.evaluate("(restart) => peer.offer(restart)", restart)
        track = PublishedTrack(id=CAMERA, mid="0", kind=TrackKind.VIDEO, source=TrackSource.CAMERA, simulcast=True)
        offer = PublisherOffer(negotiation=negotiation, sdp=sdp, tracks=(track,))
        answer = await self._lobby.node.publish(self.ref, offer)
        await self._page.evaluate("(sdp) => peer.accept(sdp)", answer.sdp)

    async def watches(self, layer: SimulcastLayer) -> None:
        await self._lobby.node.subscribe(self.ref, [Subscription(track=CAMERA, layer=layer)])

    async def answers(self, negotiation: int) -> None:
        offer = await self._lobby.event(SubscriberOffered, lambda event: event.negotiation == negotiation)
        sdp = await self._page.evaluate("(sdp) => peer.answer(sdp)", offer.sdp)
        await self._lobby.node.answer(self.ref, negotiation, sdp)

    async def sees(self, width: int | None = None, frames: int = 5) -> None:
        try:
            async with asyncio.timeout(50):
                await self._page.evaluate("([width, frames]) => peer.shows(width, frames)", [width, frames])
        except TimeoutError:
            pytest.fail(f"no {width or 'picture'}; the publisher sends {await self._page.evaluate('peer.sends()')}")


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
