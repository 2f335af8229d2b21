"""Real frames through a real Janus."""

from media_adapters.events import ConnectionChanged, TrackStarted, TrackStopped
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
