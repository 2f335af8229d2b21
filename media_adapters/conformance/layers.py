"""Simulcast layers: each subscriber gets the one that it asks for, and another without an offer."""

from media_adapters.conformance.base import Conformance, needs
from media_adapters.conformance.stage import Stage
from media_adapters.conformance.subject import Subject
from media_adapters.models import Capability, SimulcastLayer, Subscription, TrackKind

HIGH, MEDIUM, LOW = SimulcastLayer.HIGH, SimulcastLayer.MEDIUM, SimulcastLayer.LOW


class Layers(Conformance):
    async def test_the_layer_that_is_asked_for_comes_and_another_without_an_offer(
        self, subject: Subject, lobby: Stage
    ) -> None:
        await needs(subject, Capability.SIMULCAST)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera = await alice.publishes_layers()
        for layer in (LOW, HIGH, MEDIUM, LOW):
            await bob.subscribes([Subscription(track=camera, layer=layer)])
            await bob.sees_layer(camera, layer)
            await bob.sees(camera, frames=8)
            await bob.sees_layer(camera, layer)
        assert len(bob.offers) == 1

    async def test_a_layer_is_one_subscribers_own(self, subject: Subject, lobby: Stage) -> None:
        await needs(subject, Capability.SIMULCAST)
        alice, bob, carol = (lobby.person(name) for name in ("alice", "bob", "carol"))
        camera = await alice.publishes_layers()
        await bob.subscribes([Subscription(track=camera, layer=MEDIUM)])
        await carol.subscribes([Subscription(track=camera, layer=HIGH)])
        await bob.sees_layer(camera, MEDIUM)
        await carol.sees_layer(camera, HIGH)
        await carol.subscribes([Subscription(track=camera, layer=LOW)])
        await carol.sees_layer(camera, LOW)
        await bob.sees(camera, frames=8)
        await bob.sees_layer(camera, MEDIUM)

    async def test_what_was_paused_goes_on_in_the_layer_that_is_asked_for_now(
        self, subject: Subject, lobby: Stage
    ) -> None:
        await needs(subject, Capability.SIMULCAST)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera = await alice.publishes_layers()
        await bob.subscribes([Subscription(track=camera, layer=HIGH)])
        await bob.sees_layer(camera, HIGH)
        await bob.subscribes([Subscription(track=camera, layer=HIGH, paused=True)])
        await bob.subscribes([Subscription(track=camera, layer=LOW)])
        await bob.sees_layer(camera, LOW)
        assert len(bob.offers) == 1

    async def test_a_track_said_to_have_layers_that_has_none_is_seen_whatever_is_asked_for(
        self, subject: Subject, lobby: Stage
    ) -> None:
        await needs(subject, Capability.SIMULCAST)
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera = alice.adds(TrackKind.VIDEO, simulcast=True)
        await alice.negotiates()
        for layer in SimulcastLayer:
            await bob.subscribes([Subscription(track=camera, layer=layer)])
            await bob.sees(camera)
        assert len(bob.offers) == 1
