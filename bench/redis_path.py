"""The way to Redis: our coalescing path against redis-py, which awaits each command on a connection of its own.

A trivial script, many calls in flight, one Python process. What counts is the CPU per command: it is what a replica has
left for people.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import redis.asyncio as redis_py

from bench.table import ROUNDS, Row, cpu_seconds
from control_plane.state import Redis, Script
from tests.support.redis import running_redis

COMMANDS = 10_000
IN_FLIGHT = 64
SCRIPT = Script("one", "return 1", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db")

Call = Callable[[], Awaitable[object]]


async def measure() -> list[Row]:
    async with running_redis() as server, Redis.connect(server.url) as ours:
        theirs = redis_py.Redis(unix_socket_path=server.url.removeprefix("unix://"), max_connections=IN_FLIGHT)
        try:
            candidates: dict[str, Call] = {
                "ours": lambda: ours.run(SCRIPT, ["key"]),
                "redis-py, each awaited": lambda: theirs.evalsha(SCRIPT.sha1, 1, "key"),
            }
            await ours.run(SCRIPT, ["key"])
            return [row for name, call in candidates.items() for row in await _rows(name, call)]
        finally:
            await theirs.aclose()


async def _rows(name: str, call: Call) -> list[Row]:
    rates, costs = [], []
    for _ in range(ROUNDS):
        began, cpu = time.perf_counter(), cpu_seconds()
        await asyncio.gather(*(_repeat(call, COMMANDS // IN_FLIGHT) for _ in range(IN_FLIGHT)))
        done = COMMANDS // IN_FLIGHT * IN_FLIGHT
        rates.append(done / (time.perf_counter() - began))
        costs.append((cpu_seconds() - cpu) / done * 1e6)
    return [
        Row(f"{name}: commands, {IN_FLIGHT} in flight", "/s", rates),
        Row(f"{name}: CPU of Python", "µs each", costs),
    ]


async def _repeat(call: Call, times: int) -> None:
    for _ in range(times):
        await call()
