"""What a connection costs that is joined and silent, heartbeat on: 10,000 people in rooms of two at one server."""

import asyncio
import io
from contextlib import redirect_stdout
from pathlib import Path

from bench.contenders import Contender, nexusvibe, socketio
from bench.joiners import Crowd
from bench.joins import tokens_of_rooms
from bench.table import Row

PEOPLE, ROOM_OF, AT_ONCE = 10_000, 2, 50
WARM_UP = 500
WATCH_S = 30.0
"""Longer than the heartbeat of either (25 s)."""


async def measure() -> list[Row]:
    rows: list[Row] = []
    for start in (nexusvibe, socketio):
        with redirect_stdout(io.StringIO()):  # what the servers say
            async with start() as contender:
                rows += await _crowd(contender)
    return rows


async def _crowd(contender: Contender) -> list[Row]:
    """The first ones make the server load what it needs only once; they leave before the count begins."""
    (server,) = contender.processes[next(iter(contender.processes))]
    first = Crowd(contender.servers, contender.speech, AT_ONCE)
    await first.join(tokens_of_rooms(WARM_UP, ROOM_OF, "first"), ROOM_OF)
    await first.leave()
    empty = private_bytes(server)
    crowd = Crowd(contender.servers, contender.speech, AT_ONCE)
    await crowd.join(tokens_of_rooms(PEOPLE, ROOM_OF, "idle"), ROOM_OF)
    await asyncio.sleep(WATCH_S)  # what joining has left behind goes, and every heartbeat has been
    full, before = private_bytes(server), contender.spent()
    await asyncio.sleep(WATCH_S)
    after = contender.spent()
    await crowd.leave()
    parts = [
        Row(f"  CPU of {part} for all of them", "% of a core", [100 * (after[part] - before[part]) / WATCH_S])
        for part in after
    ]
    return [Row(f"{contender.name}: private memory for each person", "kB", [(full - empty) / PEOPLE / 1e3]), *parts]


def private_bytes(pid: int) -> int:
    """Memory that this process shares with no other (proc_pid_smaps(5))."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Private_"))
