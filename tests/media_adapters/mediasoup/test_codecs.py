"""Codecs beyond the usual, from Chromium to mediasoup and back."""

import pytest

from media_adapters.contract import MediaNode
from media_adapters.events import SubscriberOffered, TrackStarted
from media_adapters.models import RoomSpec, SimulcastLayer
from tests.support.media import stage
from tests.support.mirror import SIMULCAST, Alice, chromium

pytestmark = pytest.mark.browser


ONE_STREAM = [{"scalabilityMode": "L3T3_KEY", "maxBitrate": 400_000}]


async def test_a_viewer_chooses_among_the_layers_of_a_vp9_stream(node: MediaNode) -> None:
    async with stage(node, spec=RoomSpec(video_codecs=("VP9",))) as lobby, chromium(ONE_STREAM) as page:
        alice = Alice(lobby, page)
        await alice.publishes(1)
        await lobby.event(TrackStarted)
        await alice.watches(SimulcastLayer.LOW)
        await alice.answers(1)
        assert "VP9" in (await lobby.event(SubscriberOffered)).sdp
        await alice.sees(320)
        await alice.watches(SimulcastLayer.HIGH)
        await alice.sees(640, 1280)  # as much as the machine manages


async def test_a_layered_av1_stream_is_seen_at_its_lowest_layer_whatever_is_asked_for(node: MediaNode) -> None:
    async with stage(node, spec=RoomSpec(video_codecs=("AV1",))) as lobby, chromium(ONE_STREAM) as page:
        alice = Alice(lobby, page)
        await alice.publishes(1)
        await lobby.event(TrackStarted)
        await alice.watches(SimulcastLayer.HIGH)
        await alice.answers(1)
        assert "AV1" in (await lobby.event(SubscriberOffered)).sdp
        await alice.sees(320, frames=20)


async def test_h264_has_its_simulcast_layers_too(node: MediaNode) -> None:
    async with stage(node, spec=RoomSpec(video_codecs=("H264",))) as lobby, chromium(SIMULCAST) as page:
        alice = Alice(lobby, page)
        await alice.publishes(1)
        await lobby.event(TrackStarted)
        await alice.watches(SimulcastLayer.LOW)
        await alice.answers(1)
        assert "H264" in (await lobby.event(SubscriberOffered)).sdp
        await alice.sees(320)
        await alice.watches(SimulcastLayer.MEDIUM)
        await alice.sees(640)


async def test_a_layer_that_is_not_sent_gives_way_to_one_that_is(node: MediaNode) -> None:
    only_the_large_one = [{**layer, "active": layer["rid"] == "h"} for layer in SIMULCAST]
    async with stage(node) as lobby, chromium(only_the_large_one) as page:
        alice = Alice(lobby, page)
        await alice.publishes(1)
        await lobby.event(TrackStarted)
        await alice.watches(SimulcastLayer.LOW)
        await alice.answers(1)
        await alice.sees()


@pytest.mark.parametrize("codec", ["VP9", "AV1"])
async def test_who_offers_simulcast_of_a_codec_without_it_is_seen_in_one_stream(node: MediaNode, codec: str) -> None:
    async with stage(node, spec=RoomSpec(video_codecs=(codec,))) as lobby, chromium(SIMULCAST) as page:
        alice = Alice(lobby, page)
        await alice.publishes(1)
        await lobby.event(TrackStarted)
        await alice.watches(SimulcastLayer.HIGH)
        await alice.answers(1)
        await alice.sees()
