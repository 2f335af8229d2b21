"""Redis goes away for 20 s and comes back empty: calls go on, and afterwards the room is whole."""

import asyncio

import pytest

from tests.support.browser import People
from tests.support.figures import Figures
from tests.support.replica import running_system
from tests.support.sfu import Pauses, inside

pytestmark = [pytest.mark.browser, pytest.mark.faults, pytest.mark.asyncio(loop_scope="session")]

AWAY_S = 20.0
REFUSAL = """
(text) => window.nexusvibe.room.sendChat(text).then(() => null, ({ code, retryable }) => [code, retryable])
"""


@pytest.mark.timeout(180)
async def test_redis_away_and_back_empty_costs_no_media_and_no_state(
    people: People, figures: Figures, backend: str
) -> None:
    async with (
        running_system(backend, replicas=2, spare=0) as system,
        inside(backend, system.folder / "node1") as server,
    ):
        first, second = system.replicas
        alice, bob, carol = [await people.arrives(name) for name in ("alice", "bob", "carol")]
        await alice.joins(first, "demo")
        await bob.joins(second, "demo")
        await alice.sees("bob")
        await bob.sees("alice")
        await alice.says("before")
        await bob.reads("before")

        connections = [await person.connections() for person in (alice, bob)]
        pauses = Pauses(server)
        system.redis.kill()
        assert await alice.evaluate(REFUSAL, "meanwhile") == ["unavailable", True]
        await asyncio.sleep(AWAY_S)
        await alice.sees("bob")
        await system.redis.restart_empty()
        for replica in (first, second):
            await replica.until_ready()
        pause = await pauses.longest()
        figures(f"redis away for 20 s, empty, {backend}", longest_pause_at_the_sfu_ms=pause * 1000)
        assert pause < AWAY_S / 4, f"media paused for {pause:.1f} s"
        assert [await person.connections() for person in (alice, bob)] == connections

        await alice.says("after")
        await bob.reads("after")
        await carol.joins(second, "demo")
        await carol.is_alone_with("alice", "bob")
        await carol.reads("before")
        for person, others in ((alice, ("bob", "carol")), (bob, ("alice", "carol")), (carol, ("alice", "bob"))):
            for other in others:
                await person.sees(other)
        for person in (alice, bob, carol):
            await person.leaves()
        await server.has_no_media()
