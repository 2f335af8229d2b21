"""What it costs to bring a message of 1,460 characters from somebody at one server to somebody at another.

Pairs of people are in rooms of their own. At saturation each says the next thing as soon as the other has the last one;
at a moderate load messages leave at an even rate, the same for both contenders. Both bring a message to its sender too.
"""

import asyncio
import io
import json
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, field

import aiohttp

from bench.contenders import Contender, contenders
from bench.joiners import Crowd
from bench.joins import tokens_of_rooms
from bench.table import Row, percentile

PAIRS, TEXT = 600, "x" * 1460
WINDOW_S, ROUNDS = 5.0, 3
EVEN = 1000
"""Messages a second at the moderate load."""


@dataclass
class Taken:
    """What one window has shown. Times in ms from saying to hearing."""

    times: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    """Seconds."""

    def figures(self) -> dict[tuple[str, str], float]:
        count = len(self.times)
        servers = next(iter(self.cpu.values()))
        return {
            ("messages", "a second"): count / WINDOW_S,
            ("CPU of the servers for 1,000 messages", "ms"): 1e6 * servers / count,
            ("CPU of all its processes for 1,000 messages", "ms"): 1e6 * sum(self.cpu.values()) / count,
            ("on the way, p50", "ms"): percentile(self.times, 0.5),
            ("on the way, p99", "ms"): percentile(self.times, 0.99),
        }


async def measure() -> list[Row]:
    figures: dict[tuple[str, str], list[dict[tuple[str, str], float]]] = {}
    with redirect_stdout(io.StringIO()):  # what the servers say
        async with contenders(servers=2) as both:
            crowds = [(contender, await _pairs(contender)) for contender in both]
            for number in range(ROUNDS + 1):  # the first is to warm up
                for contender, pairs in crowds:
                    for load in ("at saturation", f"{EVEN:,} messages a second"):
                        taken = await pairs.talk(contender, None if load == "at saturation" else EVEN)
                        if number:
                            figures.setdefault((contender.name, load), []).append(taken.figures())
            for _, pairs in crowds:
                await pairs.crowd.leave()
    return [
        Row(f"{name}, {load}: {what}", unit, [taken[what, unit] for taken in rounds])
        for (name, load), rounds in figures.items()
        for what, unit in rounds[0]
    ]


class Pairs:
    """People who talk with who is in their room. A message begins with the number of its pair and when it was said."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self._heard = [asyncio.Event() for _ in range(PAIRS)]
        self._taken = Taken()

    async def talk(self, contender: Contender, rate: int | None) -> Taken:
        """For one window; `rate` messages a second of all together, or as fast as they come."""
        self._taken = taken = Taken()
        before = contender.spent()
        talking = [asyncio.create_task(self._one(number, rate)) for number in range(PAIRS)]
        await asyncio.sleep(WINDOW_S)
        after = contender.spent()
        self._taken = Taken()  # what is still under way belongs to no window
        for each in talking:
            each.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
        taken.cpu = {part: after[part] - before[part] for part in after}
        return taken

    def hear(self, at: int, text: str) -> None:
        """What connection number `at` received; those with even numbers only talk."""
        if '"type":"error"' in text:
            raise RuntimeError(f"a message was refused: {text}")
        if at % 2 == 0 or self.crowd.speech.talk not in text:
            return
        begin = text.index('"text":"') + 8
        number, said_at, _ = text[begin : begin + 60].split(" ", 2)
        self._taken.times.append(1e3 * (time.perf_counter() - float(said_at)))
        self._heard[int(number)].set()

    async def _one(self, number: int, rate: int | None) -> None:
        socket, heard = self.crowd.sockets[2 * number], self._heard[number]
        loop = asyncio.get_running_loop()
        due = loop.time() + number / (rate or PAIRS)
        while True:
            if rate is not None:
                await asyncio.sleep(due - loop.time())
                due += PAIRS / rate
            heard.clear()
            await self._say(socket, number)
            if rate is None:
                await heard.wait()

    async def _say(self, socket: aiohttp.ClientWebSocketResponse, number: int) -> None:
        text = f"{number} {time.perf_counter():.6f} {TEXT}"
        await socket.send_str(self.crowd.speech.say(json.dumps({"topic": "bench", "text": text})))


async def _pairs(contender: Contender) -> Pairs:
    """Each in at their server, the even ones at the first."""
    crowd = Crowd(
        contender.servers, contender.speech, at_once=1
    )  # one after another, so that connections keep the order
    pairs = Pairs(crowd)
    crowd.hear = pairs.hear
    await crowd.join(tokens_of_rooms(2 * PAIRS, 2, "pair"), 2)
    return pairs
