"""A crowd that comes at once: two servers, 2,000 people in rooms of four whose members are on both servers.

Those who join live in the benchmark's process and share two cores with the servers, so joins a second say what this
machine does; joins for each second of a server's CPU say what another would do.
"""

import io
from contextlib import redirect_stdout

from bench.contenders import Contender, contenders
from bench.joiners import Crowd
from bench.joins import tokens_of_rooms
from bench.table import Row, percentile

PEOPLE, ROOM_OF, AT_ONCE, ROUNDS = 2000, 4, 500, 3


async def measure() -> list[Row]:
    figures: dict[str, list[dict[tuple[str, str], float]]] = {}
    with redirect_stdout(io.StringIO()):  # what the servers say
        async with contenders(servers=2) as both:
            for number in range(ROUNDS + 1):  # the first is to warm up
                for contender in both:
                    taken = await _storm(contender, number)
                    if number:
                        figures.setdefault(contender.name, []).append(taken)
    return [
        Row(f"{name}: {what}", unit, [taken[what, unit] for taken in rounds])
        for name, rounds in figures.items()
        for what, unit in rounds[0]
    ]


async def _storm(contender: Contender, number: int) -> dict[tuple[str, str], float]:
    crowd = Crowd(contender.servers, contender.speech, AT_ONCE)
    shown = tokens_of_rooms(PEOPLE, ROOM_OF, f"storm{number}")
    before = sum(contender.spent().values())
    took = await crowd.join(shown, ROOM_OF)
    cpu = sum(contender.spent().values()) - before
    await crowd.leave()
    return {
        ("joins", "a second"): PEOPLE / took,
        ("joins for each second of CPU of all its processes", ""): PEOPLE / cpu,
        ("a join, p50", "ms"): percentile(crowd.took, 0.5),
        ("a join, p99", "ms"): percentile(crowd.took, 0.99),
    }
