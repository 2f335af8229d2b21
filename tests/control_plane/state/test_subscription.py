"""Messages arrive in order, from any slot, and a loss of the connection is told."""

import asyncio
import hashlib

import pytest
from structlog.testing import capture_logs

from control_plane.state import Redis, Script
from tests.support.redis import RedisTarget, running_redis

TELL = "redis.call('PUBLISH', ARGV[1], ARGV[2]); return 1"
TELL_SCRIPT = Script("tell.lua", TELL, hashlib.sha1(TELL.encode(), usedforsecurity=False).hexdigest())


class Inbox:
    """Collects messages; `received` waits for a number of them."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.resubscribed = asyncio.Event()
        self._arrived = asyncio.Event()

    def take(self, message: bytes) -> None:
        if message == b"poison":
            raise ValueError("no such message")
        self.messages.append(message)
        self._arrived.set()

    async def received(self, count: int) -> list[bytes]:
        async with asyncio.timeout(5):
            while len(self.messages) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.messages


async def test_a_script_of_any_slot_reaches_subscribers_everywhere(redis: Redis, redis_target: RedisTarget) -> None:
    inboxes = [Inbox() for _ in range(3)]  # in a cluster each subscribes at another master
    for inbox in inboxes:
        await redis.subscribe("channel", inbox.take, inbox.resubscribed.set).ready()
    for number in range(100):
        await redis.run(TELL_SCRIPT, [f"key{number}"], ["channel", number])
    for inbox in inboxes:
        assert sorted(await inbox.received(100)) == sorted(str(number).encode() for number in range(100))


async def test_messages_of_one_publisher_arrive_in_order(redis: Redis) -> None:
    inbox = Inbox()
    await redis.subscribe("channel", inbox.take, inbox.resubscribed.set).ready()
    async with asyncio.TaskGroup() as tasks:
        for number in range(1000):
            tasks.create_task(redis.execute("PUBLISH", "channel", number))
    assert await inbox.received(1000) == [str(number).encode() for number in range(1000)]


async def test_a_message_that_can_not_be_handled_does_not_cost_the_next(redis: Redis) -> None:
    inbox = Inbox()
    await redis.subscribe("channel", inbox.take, inbox.resubscribed.set).ready()
    with capture_logs() as logs:
        for message in (b"one", b"poison", b"two"):
            await redis.execute("PUBLISH", "channel", message)
        assert await inbox.received(2) == [b"one", b"two"]
    assert [entry["event"] for entry in logs] == ["redis_subscription_callback_failed"]
    assert not inbox.resubscribed.is_set()


async def test_nothing_arrives_after_close(redis: Redis) -> None:
    inbox = Inbox()
    subscription = redis.subscribe("channel", inbox.take, inbox.resubscribed.set)
    await subscription.ready()
    await redis.execute("PUBLISH", "channel", "before")
    await inbox.received(1)
    await subscription.close()
    await subscription.close()
    assert await redis.execute("PUBLISH", "channel", "after") == 0
    assert inbox.messages == [b"before"]


@pytest.mark.faults
@pytest.mark.parametrize("fault", ["killed", "frozen"])
async def test_after_a_loss_it_subscribes_again_and_says_so(fault: str) -> None:
    async with running_redis() as server, Redis.connect(server.url, timeout=0.4) as redis:
        inbox = Inbox()
        subscription = redis.subscribe("channel", inbox.take, inbox.resubscribed.set)
        await subscription.ready()
        if fault == "killed":
            await server.restart_empty()
        else:
            server.stop()
            async with asyncio.timeout(3):
                while subscription.subscribed:  # noqa: ASYNC110 - nobody is told of a loss, only of its end
                    await asyncio.sleep(0.01)
            server.cont()
        await asyncio.wait_for(inbox.resubscribed.wait(), 5)
        server.ask("PUBLISH", "channel", "after")
        assert await inbox.received(1) == [b"after"]
