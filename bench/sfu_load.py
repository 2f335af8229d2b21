"""A process that makes load: `python -m bench.sfu_load KIND`, told what to do in JSON lines, until its input ends.

It is a process of its own so that neither the bench nor another generator's work delays its packets.
"""

import asyncio
import json
import math
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from bench.sfu_clients import CLIENTS, Clients
from bench.sfu_media import Arrivals, encoded_camera, stay_on_loopback
from media_adapters.agent.process import death_pact

ANSWER_SECONDS = 120.0


class Load:
    """The bench's end of such a process."""

    def __init__(self, pid: int, orders: StreamWriter, answers: StreamReader) -> None:
        self._orders, self._answers = orders, answers
        self.pid = pid

    async def publish(self, first: int, count: int) -> None:
        await self._ask(do="publish", first=first, count=count)

    async def view(self, first: int, count: int, cameras: int) -> list[tuple[float, float]]:
        """Let `count` viewers join one after another. Of each, ms until the first and until the last camera's key frame
        had arrived whole; infinite when it never did."""
        return [(one, every) for one, every in await self._ask(do="view", first=first, count=count, cameras=cameras)]

    async def listen(self, first: int, count: int) -> None:
        """Let `count` people with silent microphones come one after another and receive everybody (NexusVibe only)."""
        await self._ask(do="listen", first=first, count=count)

    async def take(self) -> tuple[int, int]:
        """Packets that arrived at the viewers and that should have, since it was asked last."""
        packets, expected = await self._ask(do="take")
        return packets, expected

    async def _ask(self, **command: Any) -> Any:
        self._orders.write(json.dumps(command).encode() + b"\n")
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await self._answers.readline()
        if not line:
            raise RuntimeError("A load generator ended; what it said is above.")
        return json.loads(line)


@asynccontextmanager
async def load(kind: str, address: Mapping[str, Any]) -> AsyncIterator[Load]:
    process = await asyncio.create_subprocess_exec(
        *death_pact([sys.executable, "-m", "bench.sfu_load", kind, json.dumps(address)]), stdin=PIPE, stdout=PIPE
    )
    try:
        if process.stdin and process.stdout:
            yield Load(process.pid, process.stdin, process.stdout)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _serve(kind: str, address: Mapping[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    viewers: list[Arrivals] = []
    async with CLIENTS[kind].opened(address) as clients:
        while line := await reader.readline():
            print(json.dumps(await _do(clients, viewers, json.loads(line))), flush=True)


async def _do(clients: Any, viewers: list[Arrivals], order: Mapping[str, Any]) -> Any:
    match order:
        case {"do": "publish", "first": first, "count": count}:
            encoded_camera()
            await asyncio.gather(*(clients.publishes(number) for number in range(first, first + count)))
            return None
        case {"do": "view", "first": first, "count": count, "cameras": cameras}:
            return [await _view(clients, viewers, number, cameras) for number in range(first, first + count)]
        case {"do": "listen", "first": first, "count": count}:
            viewers += [await clients.listens(number) for number in range(first, first + count)]
            return None
        case _:
            taken = [viewer.take() for viewer in viewers]
            return [sum(packets for packets, _ in taken), sum(expected for _, expected in taken)]


async def _view(clients: Clients, viewers: list[Arrivals], number: int, cameras: int) -> tuple[float, float]:
    began = asyncio.get_running_loop().time()
    arrivals = await clients.views(number, cameras)
    viewers.append(arrivals)
    after = [1000 * (at - began) for at in arrivals.first_frames()]
    return min(after, default=math.inf), max(after) if len(after) == cameras else math.inf


if __name__ == "__main__":
    stay_on_loopback()
    asyncio.run(_serve(sys.argv[1], json.loads(sys.argv[2])))
