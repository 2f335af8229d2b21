"""Real frames through a real Janus."""

import re

from media_adapters.events import ConnectionChanged, SubscriberOffered, TrackStarted, TrackStopped
from media_adapters.models import SimulcastLayer, Subscription, TrackKind
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


async def test_a_track_said_to_have_layers_that_has_none_is_seen_whatever_layer_is_asked_for(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    camera = alice.adds(TrackKind.VIDEO, simulcast=True)
    await alice.negotiates()
    for layer in SimulcastLayer:
        await lobby.node.subscribe(bob.ref, [Subscription(track=camera, layer=layer)])
        await bob.sees(camera)
    assert len(bob.offers) == 1


async def test_what_is_paused_is_not_sent_and_goes_on_with_a_key_frame_and_without_an_offer(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    camera, microphone = await alice.publishes_camera(), await alice.publishes_microphone()
    await bob.watches(camera, microphone)
    await bob.sees(camera)
    offers = len(bob.offers)
    sound = Subscription(track=microphone)
    await lobby.node.subscribe(bob.ref, [Subscription(track=camera, paused=True), sound])
    await bob.sees(microphone, frames=10)  # what was under way has arrived
    seen = bob.frames[camera]
    await bob.sees(microphone, frames=50)
    assert bob.frames[camera] == seen
    await lobby.node.subscribe(bob.ref, [Subscription(track=camera), sound])
    await bob.sees(camera)
    assert len(bob.offers) == offers


async def test_what_is_paused_from_the_start_is_not_sent(lobby: Stage) -> None:
    alice, bob = lobby.person("alice"), lobby.person("bob")
    camera, microphone = await alice.publishes_camera(), await alice.publishes_microphone()
    for track in (camera, microphone):
        await lobby.started(track)
    sound = Subscription(track=microphone)
    await lobby.node.subscribe(bob.ref, [Subscription(track=camera, paused=True), sound])
    await bob.sees(microphone, frames=50)
    seen = bob.frames[camera]
    await bob.sees(microphone, frames=50)
    assert bob.frames[camera] == seen
    await lobby.node.subscribe(bob.ref, [Subscription(track=camera), sound])
    await bob.sees(camera)


async def test_who_comes_into_the_m_section_of_somebody_paused_is_seen(lobby: Stage) -> None:
    alice, bob, carol = lobby.person("alice"), lobby.person("bob"), lobby.person("carol")
    cameras = await alice.publishes_camera(), await carol.publishes_camera()
    await bob.watches(cameras[0])
    await bob.sees(cameras[0])
    await lobby.node.subscribe(bob.ref, [Subscription(track=cameras[0], paused=True)])
    await bob.watches(cameras[1])
    await bob.sees(cameras[1])
    assert bob.offers[-1].tracks[0].mid == bob.offers[0].tracks[0].mid


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
