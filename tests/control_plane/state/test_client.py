"""Commands and scripts, on a plain Redis and on a cluster."""

import asyncio
import hashlib

import pytest

from control_plane.state import Arg, Redis, RedisReplyError, Script
from tests.support.redis import RedisTarget


def script(text: str) -> Script:
    return Script("test.lua", text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


KINDS = script("return {1, 'text', false, {2, 'deep'}}")
TOUCH = script("redis.call('SET', KEYS[1], ARGV[1]); return redis.call('GET', KEYS[1])")


async def test_script_replies_keep_their_kinds(redis: Redis) -> None:
    assert await redis.run(KINDS, ["a"]) == [1, b"text", None, [2, b"deep"]]


async def test_values_travel_as_text_bytes_and_numbers(redis: Redis) -> None:
    values: list[tuple[Arg, bytes]] = [("é", "é".encode()), (b"\r\n\x00", b"\r\n\x00"), (7, b"7"), (0.5, b"0.5")]
    for value, seen in values:
        await redis.execute("SET", "key", value)
        assert await redis.execute("GET", "key") == seen


async def test_each_of_a_thousand_concurrent_callers_gets_its_own_reply(redis: Redis) -> None:
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(redis.run(TOUCH, [f"key{number}"], [number])) for number in range(1000)]
    assert [call.result() for call in calls] == [str(number).encode() for number in range(1000)]


async def test_a_cancelled_caller_leaves_the_replies_of_others_alone(redis: Redis) -> None:
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(redis.execute("ECHO", str(number), key="same")) for number in range(100)]
        await asyncio.sleep(0)  # all are queued now, none is answered
        for call in calls[::3]:
            call.cancel()
    kept = [(number, call.result()) for number, call in enumerate(calls) if not call.cancelled()]
    assert len(kept) == 66
    assert all(reply == str(number).encode() for number, reply in kept)


async def test_a_redis_that_forgot_a_script_is_given_it_again(redis: Redis, redis_target: RedisTarget) -> None:
    assert await redis.run(TOUCH, ["key"], ["before"]) == b"before"
    await redis.execute("SCRIPT", "FLUSH", key="key")
    replies = await asyncio.gather(*(redis.run(TOUCH, ["key"], [number]) for number in range(20)))
    assert replies == [str(number).encode() for number in range(20)]


async def test_an_error_of_redis_is_told_with_its_code(redis: Redis) -> None:
    await redis.execute("SET", "key", "text")
    with pytest.raises(RedisReplyError) as caught:
        await redis.execute("LPUSH", "key", "value")
    assert caught.value.code == "WRONGTYPE"


async def test_an_error_that_a_script_returns_arrives_as_it_is(redis: Redis) -> None:
    with pytest.raises(RedisReplyError) as caught:
        await redis.run(script("return redis.error_reply('FENCED somebody else drives')"), ["a"])
    assert caught.value.code == "FENCED"


async def test_commands_of_one_tick_reach_redis_in_few_reads(redis: Redis) -> None:
    async def reads() -> int:
        info: bytes = await redis.execute("INFO", "stats", key="same")
        return int(info.partition(b"total_reads_processed:")[2].split()[0])

    before = await reads()
    await asyncio.gather(*(redis.execute("INCR", "{same}:counter") for _ in range(200)))
    assert await reads() - before < 15  # cluster servers also read from one another


async def test_a_script_and_its_prelude_are_read_from_a_package() -> None:
    beat = Script.load("control_plane.state", "beat.lua")
    both = Script.load("control_plane.state", "beat.lua", prelude="alive.lua")
    assert beat.text in both.text
    assert both.text.startswith("-- Who proved")
    assert hashlib.sha1(both.text.encode(), usedforsecurity=False).hexdigest() == both.sha1


async def test_leaving_ends_every_task(redis_target: RedisTarget) -> None:
    before = asyncio.all_tasks()
    async with redis_target.connect() as redis:
        await redis.subscribe("channel", lambda _: None, lambda: None).ready()
        assert asyncio.all_tasks() - before
    assert asyncio.all_tasks() - before == set()
