"""What one more person costs in one room: four cameras, and everybody else listens with a microphone that is silent.

Silent microphones send what discontinuous transmission leaves of them. Who listens receives everybody; who brings a
camera receives nobody. CPU is taken while people come, and while nobody comes or goes.
"""

import asyncio
from functools import partial

from bench.sfu_load import Load, load
from bench.sfu_systems import UnderLoad, cpu, running
from bench.table import Row

CAMERAS = 4
PEOPLE = (2, 4, 10, 20, 30, 40, 50)
SETTLE_S, WINDOW_S = 2.0, 5.0
TOO_MUCH_LOSS = 5.0
"""Percent: from there on the figures are of a machine that is full."""


async def measure(sfu: str) -> list[Row]:
    rows: list[Row] = []
    async with (
        running(sfu, bare=False) as system,
        load(system.kind, system.address) as senders,
        load(system.kind, system.address) as people,
    ):
        there = 0
        for count in PEOPLE:
            cameras = min(count, CAMERAS)
            coming = await _spent(system, partial(_come, senders, people, there, count))
            await asyncio.sleep(SETTLE_S)
            await people.take()
            staying = await _spent(system, partial(asyncio.sleep, WINDOW_S))
            packets, expected = await people.take()
            loss = 100 * (1 - packets / expected) if expected else 0.0
            rows += _rows(f"{count} people, {cameras} cameras", coming, staying, count - there, loss)
            there = count
            if loss > TOO_MUCH_LOSS:
                break
    return rows


def _rows(title: str, coming: dict[str, float], staying: dict[str, float], came: int, loss: float) -> list[Row]:
    return [
        *(Row(f"{title}: {part}, one who comes", "ms of CPU", [1e3 * spent / came]) for part, spent in coming.items()),
        *(Row(f"  {part}, while all stay", "% of a core", [100 * spent / WINDOW_S]) for part, spent in staying.items()),
        Row("  lost", "%", [loss]),
    ]


async def _come(senders: Load, people: Load, there: int, count: int) -> None:
    """The first four bring cameras, whoever comes after them a microphone."""
    cameras, listeners = min(count, CAMERAS), max(0, count - CAMERAS)
    before = max(0, there - CAMERAS)
    if there < CAMERAS:
        await senders.publish(min(there, CAMERAS), cameras - there)
    if listeners > before:
        await people.listen(before, listeners - before)


async def _spent(system: UnderLoad, doing: partial) -> dict[str, float]:
    """CPU seconds of each part while that is done."""
    control_plane = [pid for pid in system.rest if pid not in system.node]
    parts = {"control plane": control_plane, "agent": system.node, "SFU": system.sfu}
    before = {part: cpu(pids) for part, pids in parts.items()}
    await doing()
    return {part: cpu(pids) - before[part] for part, pids in parts.items()}
