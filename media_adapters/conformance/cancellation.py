"""Callers that give up, at every await of every call: the node works on, and nothing is left."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest

from media_adapters.conformance.base import Conformance
from media_adapters.conformance.interrupted import MOST, insisted, interrupted
from media_adapters.conformance.people import Person
from media_adapters.conformance.receiver import receiver
from media_adapters.conformance.stage import Stage, new_room
from media_adapters.conformance.subject import Subject
from media_adapters.models import Capability, RoomSpec, TrackKind

PAUSES = (0.0, 0.001, 0.002, 0.004, 0.008)
"""Seconds after which a caller gives up: a call may hide its awaits from its caller, but not its work."""


class Cancellation(Conformance):
    async def test_an_offer_whose_caller_gave_up_is_offered_again(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        alice.adds(TrackKind.AUDIO)
        first = await alice.offer()
        await alice.takes(await insisted(lambda: lobby.node.publish(alice.ref, first)))
        alice.adds(TrackKind.VIDEO)
        second = await alice.offer()
        await alice.takes(await insisted(lambda: lobby.node.publish(alice.ref, second)))
        await bob.watches(*alice.tracks)
        await bob.sees(*alice.tracks)
        assert {status.peer for status in await lobby.node.peers(lobby.room)} == {alice.ref, bob.ref}

    async def test_a_subscription_and_an_answer_whose_callers_gave_up_take_effect_once(self, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        tracks = await alice.publishes(TrackKind.AUDIO, TrackKind.VIDEO)
        await lobby.started(*tracks)
        bob.answers = False
        await insisted(lambda: bob.watches(*tracks))
        offer = await lobby.offer(bob, 1)
        sdp = await bob.accepts(offer)
        await insisted(lambda: lobby.node.answer(bob.ref, 1, sdp))
        await bob.sees(*tracks)
        assert len(bob.offers) == 1

    async def test_first_offers_that_are_given_up_for_good_leak_nothing(self, lobby: Stage) -> None:
        for at in range(1, MOST):
            alice = lobby.person(f"alice{at}")
            alice.adds(TrackKind.AUDIO)
            if not await interrupted(lobby.node.publish(alice.ref, await alice.offer()), at):
                break
        for number, pause in enumerate(PAUSES):
            bob = lobby.person(f"bob{number}")
            bob.adds(TrackKind.AUDIO)
            await _given_up(lobby.node.publish(bob.ref, await bob.offer()), pause)

    async def test_who_is_closed_by_a_caller_that_gives_up_is_gone_after_the_next_try(self, lobby: Stage) -> None:
        for at in range(1, MOST):
            alice = lobby.person(f"alice{at}")
            await alice.publishes_microphone()
            cut = await interrupted(lobby.node.close_peer(alice.ref), at)
            await lobby.node.close_peer(alice.ref)
            assert await lobby.node.peers(lobby.room) == []
            if not cut:
                break

    async def test_rooms_opened_and_closed_by_callers_that_give_up(self, lobby: Stage) -> None:
        for at in range(1, MOST):
            room = new_room(f"room{at}")
            cut_open = await interrupted(lobby.node.open_room(room, RoomSpec()), at)
            await lobby.node.open_room(room, RoomSpec())
            assert await lobby.node.peers(room) == []
            cut_close = await interrupted(lobby.node.close_room(room), at)
            await lobby.node.close_room(room)
            if not cut_open and not cut_close:
                break

    async def test_every_other_call_may_be_given_up_and_made_again(self, subject: Subject, lobby: Stage) -> None:
        alice, bob = lobby.person("alice"), lobby.person("bob")
        tracks = await alice.publishes(TrackKind.AUDIO, TrackKind.VIDEO)
        await bob.watches(*tracks)
        await bob.sees(*tracks)
        for call in (lobby.node.load, lobby.node.describe, lambda: lobby.node.peers(lobby.room)):
            await insisted(call)
        await insisted(lambda: lobby.node.adopt(bob.ref))
        declared = (await subject.node.describe()).capabilities
        for capability, calls in _optional(lobby, alice, bob).items():
            if capability in declared:
                for optional in calls:
                    await insisted(optional)
        await bob.sees(*tracks)

    async def test_a_tap_whose_caller_gave_up_is_found_again(self, subject: Subject, lobby: Stage) -> None:
        if Capability.TAP not in (await subject.node.describe()).capabilities:
            pytest.skip("does not declare tap")
        alice = lobby.person("alice")
        camera = await alice.publishes_camera()
        await lobby.started(camera)
        async with receiver() as (received, target):
            tap = await insisted(lambda: lobby.node.tap(alice.ref, camera, target))
            packets = await received.receives()
            assert len({packet.sequence for packet in packets}) == len(packets), "each packet comes once"
            await insisted(lambda: lobby.node.untap(alice.ref, tap.id))
            assert await received.is_silent()


def _optional(
    lobby: Stage, alice: Person, bob: Person
) -> Mapping[Capability, tuple[Callable[[], Awaitable[object]], ...]]:
    node, (first, *_) = lobby.node, alice.tracks
    return {
        Capability.SERVER_MUTE: (
            lambda: node.mute_track(alice.ref, first, muted=True),
            lambda: node.mute_track(alice.ref, first, muted=False),
        ),
        Capability.ICE_RESTART: (lambda: node.restart_ice(bob.ref),),
        Capability.TAP: (lambda: node.request_key_frame(alice.ref, [*alice.tracks][-1]),),
    }


async def _given_up(call: Awaitable[object], after: float) -> None:
    task = asyncio.ensure_future(call)
    await asyncio.wait({task}, timeout=after)
    task.cancel()
    await asyncio.wait({task})
