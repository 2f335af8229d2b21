"""Real frames through a real Janus."""

import re

from media_adapters.events import ConnectionChanged, SubscriberOffered, TrackStarted, TrackStopped
from tests.support.media import Stage


async def test_a_published_camera_and_microphone_are_seen_and_heard(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    camera = await alice.publishes_camera()
    microphone = await alice.publishes_microphone()
    await bob.watches(camera, microphone)
    await bob.sees(camera)
    await bob.sees(microphone)
    assert (await lobby.event(TrackStarted, lambda event: event.track.id == camera)).peer == alice.ref


async def test_a_track_is_published_stopped_and_published_ten_times_while_another_watches(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    microphone = await alice.publishes_microphone()
    await bob.watches(microphone)
    for _ in range(10):
        camera = await alice.publishes_camera()
        await bob.watches(microphone, camera)
        await bob.sees(camera)
        await alice.stops(camera)
        await bob.is_offered({microphone})
    assert lobby.count(TrackStopped) == 10
    await bob.sees(microphone)
    assert bob.offers[-1].sdp.count("m=") == 2, "freed m-sections are used again"


async def test_connections_come_up_and_the_publisher_is_heard(lobby: Stage) -> None:
    alice = lobby.person("alice")
    await alice.publishes_microphone()
    await lobby.event(ConnectionChanged, lambda event: event.connected and event.receiving)
    assert (await lobby.node.adopt(alice.ref)).publisher.receiving


async def test_the_node_tells_no_address_but_the_one_it_may_offer(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    await bob.watches(await alice.publishes_microphone())
    await lobby.event(SubscriberOffered)
    for sdp in (alice.publisher.remoteDescription.sdp, bob.offers[0].sdp):
        addresses = set(re.findall(r"\d+\.\d+\.\d+\.\d+", sdp))
        assert addresses <= {"127.0.0.1", "0.0.0.0"}, "an address of another interface got out"  # noqa: S104


async def test_what_an_idle_and_a_busy_room_weigh(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    camera, microphone = await alice.publishes_camera(), await alice.publishes_microphone()
    await bob.watches(camera, microphone)
    await bob.sees(camera)
    await bob.sees(microphone)
    load = await lobby.node.load()
    assert (load.rooms, load.peers, load.streams) == (1, 2, 4)
    assert load.cpu > 0
    await alice.leaves()
    await bob.is_offered(set())
    load = await lobby.node.load()
    assert (load.peers, load.streams) == (1, 0)
