"""Somebody in Chromium who publishes a picture and watches herself: what aiortc can't do."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from media_adapters.events import SubscriberOffered
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
from tests.support.media import Stage

CAMERA = TrackId("camera-of-alice")

# so little that all three fit into what a sender dares to send at first
SIMULCAST = tuple(
    {"rid": rid, "scaleResolutionDownBy": by, "maxBitrate": bitrate}
    for rid, by, bitrate in (("h", 1, 150_000), ("m", 2, 80_000), ("l", 4, 40_000))
)

PEER = """
((sendEncodings) => {
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
  publisher.addTransceiver(canvas.captureStream().getVideoTracks()[0], {
    direction: "sendonly",
    sendEncodings,
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
    shows: async (widths, frames) => {
      const before = (await inbound())?.framesDecoded ?? 0;
      for (;;) {
        const now = await inbound();
        if (now?.framesDecoded >= before + frames && (!widths.length || widths.includes(now.frameWidth))) return true;
        await new Promise((go) => setTimeout(go, 50));
      }
    },
  };
})
"""


@asynccontextmanager
async def chromium(encodings: Sequence[dict[str, Any]] = SIMULCAST) -> AsyncIterator[Page]:
    """A page with `peer`, who sends these RTCRtpEncodingParameters."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--allow-loopback-in-peer-connection", "--disable-dev-shm-usage"],
        )
        try:
            page = await browser.new_page()
            await page.evaluate(PEER, list(encodings))
            yield page
        finally:
            await browser.close()


class Alice:
    """`page` is of `chromium`."""

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

    async def sees(self, *widths: int, frames: int = 5) -> None:
        """Wait until that many more frames were decoded, and the picture has one of these widths if any are given."""
        try:
            async with asyncio.timeout(50):
                await self._page.evaluate("([widths, frames]) => peer.shows(widths, frames)", [list(widths), frames])
        except TimeoutError:
            pytest.fail(f"no {widths or 'picture'}; the publisher sends {await self._page.evaluate('peer.sends()')}")
