"""What forwarding video costs on each SFU, with NexusVibe around it and bare, under the same load in the same run.

Cameras are encoded once and sent by a process of their own; viewers, in another, count datagrams and decrypt the first
ones only, so that the SFU is busier than its load. Four viewers receive every camera: with N cameras the SFU forwards
4 N tracks.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from bench.sfu_load import Load, load
from bench.sfu_media import described
from bench.sfu_systems import MOST_VIEWERS, UnderLoad, cpu, memory, running
from bench.table import Row, show

CAMERAS = (1, 4, 10)
VIEWERS = 4
WINDOWS, WINDOW_S, SETTLE_S = 3, 3.0, 1.0
LIMIT_VIEWERS, LIMIT_S = (8, 16, 24, 32, 48, MOST_VIEWERS), 90.0
TOO_MUCH_LOSS = 1.0
"""Percent of packets."""


@dataclass
class Figures:
    """One value for each window, or for each viewer (ms)."""

    first_frame: list[float] = field(default_factory=list)
    every_frame: list[float] = field(default_factory=list)
    sfu_cpu: list[float] = field(default_factory=list)
    rest_cpu: list[float] = field(default_factory=list)
    packets: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    memory: float = 0.0
    """Bytes that the SFU has grown by since before the first join."""


@dataclass(frozen=True)
class Stage:
    """A system with one process that sends and one that receives."""

    system: UnderLoad
    senders: Load
    viewers: Load

    async def window(self, figures: Figures, seconds: float = WINDOW_S) -> None:
        """CPU in percent of a core, packets a second at the viewers, and lost ones in percent."""
        loop = asyncio.get_running_loop()
        await self.viewers.take()
        began, sfu, rest = loop.time(), cpu(self.system.sfu), cpu(self.system.rest)
        await asyncio.sleep(seconds)
        packets, expected = await self.viewers.take()
        took = loop.time() - began
        figures.sfu_cpu.append(100 * (cpu(self.system.sfu) - sfu) / took)
        figures.rest_cpu.append(100 * (cpu(self.system.rest) - rest) / took)
        figures.packets.append(packets / took)
        figures.loss.append(100 * (1 - packets / max(expected, 1)))


async def measure(sfu: str) -> list[Row]:
    """Takes some minutes; shows each comparison as soon as it has it, and returns what the limit is."""
    print(f"\nEach camera: {described()}. {VIEWERS} viewers receive all of them. Some minutes.", flush=True)
    for cameras in CAMERAS:
        show(f"{sfu}, {cameras} cameras, {cameras * VIEWERS} forwarded", await _compare(sfu, cameras))
    return await _limit(sfu)


async def _compare(sfu: str, cameras: int) -> list[Row]:
    ours, bare, tracks = await _run(sfu, cameras), await _run(sfu, cameras, bare=True), cameras * VIEWERS
    return [
        Row("join to first frame", "ms", ours.first_frame),
        Row("  the same, bare", "ms", bare.first_frame),
        Row("join to a frame of every camera", "ms", ours.every_frame),
        Row("  the same, bare", "ms", bare.every_frame),
        Row("SFU, CPU per forwarded track", "% of a core", _each(ours.sfu_cpu, tracks)),
        Row("  the same, bare", "% of a core", _each(bare.sfu_cpu, tracks)),
        Row("SFU, memory per forwarded track", "kB", [ours.memory / tracks / 1e3]),
        Row("  the same, bare", "kB", [bare.memory / tracks / 1e3]),
        Row("all else of NexusVibe", "% of a core", ours.rest_cpu),
        Row("all else of NexusVibe, share of all CPU", "%", _shares(ours)),
        Row("packets to viewers", "/s", ours.packets),
        Row("lost", "%", ours.loss),
    ]


async def _run(sfu: str, cameras: int, *, bare: bool = False) -> Figures:
    async with _stage(sfu, bare=bare) as stage:
        figures, before = Figures(), memory(stage.system.sfu)
        await stage.senders.publish(0, cameras)
        joins = await stage.viewers.view(0, VIEWERS, cameras)
        figures.first_frame, figures.every_frame = [one for one, _ in joins], [every for _, every in joins]
        await asyncio.sleep(SETTLE_S)
        for _ in range(WINDOWS):
            await stage.window(figures)
        figures.memory = memory(stage.system.sfu) - before
        return figures


async def _limit(sfu: str) -> list[Row]:
    """More and more viewers of ten cameras, until more than 1 % of packets are lost somewhere on this machine, or a
    minute and a half is over."""
    cameras, viewers, rows = CAMERAS[-1], 0, []
    deadline = asyncio.get_running_loop().time() + LIMIT_S
    async with _stage(sfu, bare=False) as stage:
        await stage.senders.publish(0, cameras)
        for wanted in LIMIT_VIEWERS:
            await stage.viewers.view(viewers, wanted - viewers, cameras)
            viewers = wanted
            await asyncio.sleep(SETTLE_S)
            figures, generators = Figures(), cpu([stage.senders.pid, stage.viewers.pid])
            await stage.window(figures)
            busy = 100 * (cpu([stage.senders.pid, stage.viewers.pid]) - generators) / WINDOW_S
            title = f"{cameras} cameras, {cameras * viewers} forwarded: lost"
            rows += [
                Row(title, "%", figures.loss),
                Row("  packets to viewers", "/s", figures.packets),
                Row("  SFU", "% of a core", figures.sfu_cpu),
                Row("  the generators", "% of a core", [busy]),
            ]
            if figures.loss[0] > TOO_MUCH_LOSS or asyncio.get_running_loop().time() > deadline:
                break
    return rows


@asynccontextmanager
async def _stage(sfu: str, *, bare: bool) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(running(sfu, bare=bare))
        senders = await stack.enter_async_context(load(system.kind, system.address))
        viewers = await stack.enter_async_context(load(system.kind, system.address))
        yield Stage(system, senders, viewers)


def _each(values: list[float], tracks: int) -> list[float]:
    return [value / tracks for value in values]


def _shares(figures: Figures) -> list[float]:
    both = zip(figures.rest_cpu, figures.sfu_cpu, strict=True)
    return [100 * rest / (rest + sfu) for rest, sfu in both]
