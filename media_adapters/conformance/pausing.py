"""What a subscriber has paused: it is not sent, keeps its m-section, and comes back without an offer."""

from media_adapters.conformance.base import Conformance
from media_adapters.conformance.stage import Person, Stage
from media_adapters.models import Subscription, TrackId

LONG = 26
"""Pieces of sound, 20 ms each, in which a picture that flows shows seven times."""


class Pausing(Conformance):
    async def test_what_is_paused_is_not_sent_and_goes_on_with_a_key_frame_and_without_an_offer(
        self, lobby: Stage
    ) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera, microphone = await alice.publishes_camera(), await alice.publishes_microphone()
        await bob.watches(camera, microphone)
        await bob.sees(camera, microphone)
        offers = len(bob.offers)
        for _ in range(2):
            await bob.subscribes([Subscription(track=camera, paused=True), Subscription(track=microphone)])
        await _is_still(bob, camera, while_hearing=microphone)
        await bob.watches(camera, microphone)
        await bob.sees(camera)
        assert len(bob.offers) == offers

    async def test_what_is_paused_from_the_start_is_not_sent(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera, microphone = await alice.publishes_camera(), await alice.publishes_microphone()
        await lobby.started(camera, microphone)
        await bob.subscribes([Subscription(track=camera, paused=True), Subscription(track=microphone)])
        await _is_still(bob, camera, while_hearing=microphone)
        await bob.watches(camera, microphone)
        await bob.sees(camera)

    async def test_a_pause_is_one_subscribers_own(self, lobby: Stage) -> None:
        alice, bob, carol = (lobby.person(name) for name in ("alice", "bob", "carol"))
        camera, microphone = await alice.publishes_camera(), await alice.publishes_microphone()
        for one in (bob, carol):
            await one.watches(camera, microphone)
            await one.sees(camera)
        await bob.subscribes([Subscription(track=camera, paused=True), Subscription(track=microphone)])
        await _is_still(bob, camera, while_hearing=microphone)
        await carol.sees(camera)

    async def test_what_is_paused_while_an_offer_waits_rests_after_the_answer(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        camera, microphone = await alice.publishes_camera(), await alice.publishes_microphone()
        await lobby.started(camera, microphone)
        bob.answers = False
        await bob.watches(camera, microphone)
        offer = await lobby.offer(bob, 1)
        await bob.subscribes([Subscription(track=camera, paused=True), Subscription(track=microphone)])
        bob.answers = True
        await bob.answers_to(offer)
        await _is_still(bob, camera, while_hearing=microphone)
        await bob.watches(camera, microphone)
        await bob.sees(camera)

    async def test_who_comes_into_the_m_section_of_somebody_paused_is_seen(self, lobby: Stage) -> None:
        alice, bob, carol = (lobby.person(name) for name in ("alice", "bob", "carol"))
        one, two = await alice.publishes_camera(), await carol.publishes_camera()
        await bob.watches(one)
        await bob.sees(one)
        await bob.subscribes([Subscription(track=one, paused=True)])
        await bob.watches(two)
        await bob.sees(two)


async def _is_still(who: Person, camera: TrackId, *, while_hearing: TrackId) -> None:
    """No picture comes for `LONG`, once those under way have come. The sound proves that the connection is up."""
    await who.sees(while_hearing, frames=LONG // 2)
    seen = who.frames[camera]
    await who.sees(while_hearing, frames=LONG)
    assert who.frames[camera] == seen, f"{who.ref.participant} gets {camera}, which is paused"
