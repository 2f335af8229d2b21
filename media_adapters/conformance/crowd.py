"""Twenty people who come, go and change their minds as they like. The dice are loaded: each run throws the same."""

import asyncio
import random
from contextlib import suppress

from media_adapters.conformance.base import Conformance, close_peers
from media_adapters.conformance.people import Person
from media_adapters.conformance.stage import Stage
from media_adapters.conformance.subject import Subject
from media_adapters.errors import MediaError
from media_adapters.events import PeerClosed
from media_adapters.models import TrackId

VISITS = 2
SEED = 7


class Crowd(Conformance):
    async def test_a_crowd_comes_and_goes_at_random_and_those_who_stay_hear_each_other(
        self, subject: Subject, lobby: Stage
    ) -> None:
        dice = random.Random(SEED)  # noqa: S311 - a repeatable one
        stayed = await asyncio.gather(*(_wanders(lobby, dice, number) for number in range(subject.crowd)))
        await asyncio.gather(*(person.publishes_microphone() for person in stayed))
        beside = list(zip(stayed, [*stayed[1:], stayed[0]], strict=True))
        for person, neighbour in beside:
            await person.watches(*neighbour.tracks)
        await asyncio.gather(*(person.sees(*neighbour.tracks) for person, neighbour in beside))
        here = {status.peer for status in await lobby.node.peers(lobby.room)}
        assert {person.ref for person in stayed} <= here
        await close_peers(lobby)
        assert lobby.count(PeerClosed) == 0
        load = await lobby.node.load()
        assert (load.peers, load.streams) == (0, 0)


async def _wanders(lobby: Stage, dice: random.Random, number: int) -> Person:
    for visit in range(VISITS):
        person = lobby.person(f"person{number}", epoch=visit)
        await asyncio.sleep(dice.random() / 5)
        for step in dice.sample((_talks, _watches_all, _watches_all, _changes_its_mind), 3):
            await step(lobby, person, dice)
        if dice.random() < 0.8:
            await person.leaves()
        else:
            await person.hangs_up()  # without a word, as a closed laptop does
    return lobby.person(f"person{number}", epoch=VISITS)


async def _talks(lobby: Stage, person: Person, dice: random.Random) -> None:  # noqa: ARG001 - a step like the others
    track = await person.publishes_microphone()
    await asyncio.sleep(dice.random() / 5)
    if dice.random() < 0.5:
        await person.stops(track)


async def _watches_all(lobby: Stage, person: Person, dice: random.Random) -> None:
    there = [track.id for status in await lobby.node.peers(lobby.room) for track in status.tracks]
    await person.watches(*dice.sample(there, min(3, len(there))), TrackId("never-there"))
    await asyncio.sleep(dice.random() / 10)


async def _changes_its_mind(lobby: Stage, person: Person, dice: random.Random) -> None:
    task = asyncio.create_task(_watches_all(lobby, person, dice))
    await asyncio.sleep(dice.random() / 100)
    task.cancel()
    with suppress(asyncio.CancelledError, MediaError):
        await task
