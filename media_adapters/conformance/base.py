"""What every topic of the suite stands on: one media server per class, a room per test, and a count of what is left.

Nothing that a test leaves behind is forgiven: after each, every peer is closed, then the room, and both times the node
and the media server must hold what they held before.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from media_adapters.conformance.plugin import remember
from media_adapters.conformance.stage import Stage, stage
from media_adapters.conformance.subject import Leftovers, Start, Subject
from media_adapters.models import Capability

SETTLES = 5.0
"""Seconds within which a media server lets go of what was closed."""


class Conformance:
    """Override the fixture `sfu`. The classes of this package that inherit from this one are topics."""

    pytestmark = pytest.mark.asyncio(loop_scope="class")

    @pytest.fixture(scope="class")
    @classmethod
    def sfu(cls) -> Start:
        """How to start the media server under test."""
        raise NotImplementedError(f"{cls.__name__} must override the fixture `sfu`.")

    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def subject(cls, sfu: Start, request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
        """The media server that the tests of this class share."""
        async with sfu() as subject:
            remember(request, await subject.node.describe())
            yield subject

    @pytest_asyncio.fixture(loop_scope="class")
    async def lobby(self, subject: Subject, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
        """An open room of this test's own. Fails the test if anything is left of it."""
        async with leaving_nothing(subject, request.node.name) as here:
            yield here


@asynccontextmanager
async def leaving_nothing(subject: Subject, name: str) -> AsyncIterator[Stage]:
    before = await holdings(subject)
    async with stage(subject.node, name, patience=subject.patience) as here:
        empty = await holdings(subject)
        yield here
    await close_peers(here)
    await settles(subject, empty, "after every peer was closed")
    await subject.node.close_room(here.room)
    await settles(subject, before, "after the room was closed")


async def close_peers(lobby: Stage) -> None:
    for status in await lobby.node.peers(lobby.room):
        await lobby.node.close_peer(status.peer)


async def holdings(subject: Subject) -> Leftovers:
    """What is there now: by the node's own account, and by the media server's if it can be asked."""
    load = await subject.node.load()
    own = {"load.rooms": load.rooms, "load.peers": load.peers, "load.streams": load.streams}
    return own | dict(await subject.leftovers() if subject.leftovers is not None else {})


async def settles(subject: Subject, expected: Leftovers, when: str) -> None:
    """Wait until nothing more is held than that. Media servers let go some milliseconds after they said so."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLES
    while (now := await holdings(subject)) != expected:
        if loop.time() > deadline:
            left = {kind: f"{now.get(kind, 0)}, was {count}" for kind, count in expected.items() if now[kind] != count}
            raise AssertionError(f"Something is left {when}: {left}")
        await asyncio.sleep(0.02)


async def needs(subject: Subject, capability: Capability) -> None:
    """Skip a test of something that the adapter does not declare. `test_what_is_not_declared…` covers the refusal."""
    if capability not in (await subject.node.describe()).capabilities:
        pytest.skip(f"does not declare {capability}")
