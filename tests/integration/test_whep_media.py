"""Receiving by HTTP with real media, through a real replica: mediasoup, which can, and Janus, which can't."""

import json
from contextlib import suppress

import pytest
from aiortc.mediastreams import MediaStreamError

from tests.support.client import connected
from tests.support.replica import running_system
from tests.support.whip import encoder, http, player

pytestmark = pytest.mark.timeout(180)


async def test_a_player_receives_sound_and_pictures_until_it_is_kicked() -> None:
    async with running_system("mediasoup", spare=0) as system, http() as asking:
        (here,) = system.replicas
        shown = here.token("demo", "tv")
        async with connected(here.ws_url) as alice, encoder(asking, here.url, here.token("demo", "obs")):
            await alice.join(here.token("demo", "alice", name="alice", moderate=True))
            await alice.hears("track.published")
            await alice.hears("track.published")
            async with player(asking, here.url, shown) as playing:
                await playing.receives()
                joined = await alice.until(
                    lambda event: event["type"] == "participant.joined" and event["participant"]["client"] == "whep"
                )
                await alice.asks("kick", participant=joined["participant"]["id"])
                assert await asking.get(here.url + playing.posted.headers["Location"], shown) == 404
                with suppress(MediaStreamError):  # what waits to be decoded, until the end that the node said
                    while True:
                        await playing.receives(1)
            refused = await asking.play(here.url, shown)
            assert (refused.status, json.loads(refused.text)["code"]) == (403, "kicked")


async def test_a_room_on_janus_says_that_it_can_t() -> None:
    async with running_system("janus", spare=0) as system, http() as asking:
        (here,) = system.replicas
        async with connected(here.ws_url) as alice, encoder(asking, here.url, here.token("demo", "obs")):
            await alice.join(here.token("demo", "alice", name="alice"))
            await alice.hears("track.published")
            refused = await asking.play(here.url, here.token("demo", "tv"))
            problem = json.loads(refused.text)
            assert (refused.status, problem["code"]) == (501, "not_supported")
            assert "not supported by this room's media server" in problem["detail"]
            assert (await alice.hears("participant.left"))["reason"] == "left"
