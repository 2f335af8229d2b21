"""A replica is alive only while it hears what is sent to it."""

import asyncio

from control_plane.ids import ReplicaId
from control_plane.state import Redis
from control_plane.state.keys import inbox
from control_plane.state.liveness import Liveness

ALICE, BOB = ReplicaId("alice"), ReplicaId("bob")


async def until_alive(liveness: Liveness, expected: set[ReplicaId], within_ms: int = 3000) -> None:
    async with asyncio.timeout(6):
        while await liveness.alive(within_ms) != expected:  # noqa: ASYNC110 - time passes in Redis
            await asyncio.sleep(0.02)


async def test_replicas_that_hear_their_inbox_are_alive_and_those_that_leave_are_not(redis: Redis) -> None:
    async with Liveness.start(redis, ALICE) as alice:
        redis.subscribe(inbox(ALICE), alice.hearing(lambda _: None), lambda: None)
        async with Liveness.start(redis, BOB) as bob:
            redis.subscribe(inbox(BOB), bob.hearing(lambda _: None), lambda: None)
            await until_alive(alice, {ALICE, BOB})
        assert await alice.alive() == {ALICE}


async def test_a_replica_that_runs_but_is_deaf_goes_stale(redis: Redis) -> None:
    async with Liveness.start(redis, ALICE) as alice, Liveness.start(redis, BOB) as bob:
        redis.subscribe(inbox(ALICE), alice.hearing(lambda _: None), lambda: None)
        ears = redis.subscribe(inbox(BOB), bob.hearing(lambda _: None), lambda: None)
        await until_alive(alice, {ALICE, BOB})
        await ears.close()
        await until_alive(bob, {ALICE}, within_ms=1500)
        assert await bob.alive(60_000) == {ALICE, BOB}


async def test_messages_of_others_pass_through(redis: Redis) -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()
    async with Liveness.start(redis, ALICE) as alice:
        subscription = redis.subscribe(inbox(ALICE), alice.hearing(got.put_nowait), lambda: None)
        await subscription.ready()
        await until_alive(alice, {ALICE})
        await redis.execute("PUBLISH", inbox(ALICE), b"news")
        assert await asyncio.wait_for(got.get(), 3) == b"news"
        assert got.empty()
