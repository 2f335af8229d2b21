"""Choosing a media node among 10,000: decisions a second and how long one takes.

Three things are measured: our decision alone; the baseline's decision alone, in the same run and on the same nodes; and
ours in full, as a replica makes it: the decision, then the reservation in Redis, with 32 requests in flight, while all
nodes report each second (from a process of their own) and the replica follows these reports.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from itertools import chain, count
from pathlib import Path
from random import Random

import uvloop

from bench.baselines.livekit_selection import ListedNode, NodeSelector, Region
from bench.table import ROUNDS, Row, cpu_seconds
from control_plane.ids import Incarnation, NodeId, RoomId
from control_plane.nodes.fleet import Fleet
from control_plane.nodes.models import Need, Node
from control_plane.nodes.registry import NodeRegistry
from control_plane.nodes.selection import choose
from control_plane.nodes.store import Claim, NodeStore
from control_plane.state import Redis
from media_adapters.models import Capability, NodeLoad
from media_adapters.wire import Heartbeat
from tests.support.processes import running_process
from tests.support.redis import running_redis

NODES = 10_000
CAPACITY = 1_000_000
IN_FLIGHT = 32
DECISIONS_ALONE = {"ours": 10_000, "LiveKit's": 50}
DECISIONS_IN_FULL = 20_000
REGIONS = (Region("eu", 50, 8), Region("us", 40, -75), Region("asia", 1, 104), Region("south", -23, -46))
ROOT = Path(__file__).parents[1]


async def measure() -> list[Row]:
    return [*_alone(), *await _in_full()]


def _alone() -> list[Row]:
    random = Random(1)
    reports = [_report(number, 1, random.randrange(CAPACITY // 2)) for number in range(NODES)]
    fleet = Fleet(Node.reported(each, last_heartbeat=1000, reserved=0) for each in reports)
    need = Need(streams=6, region="eu")
    listed = [ListedNode(each.node, each.region, True, 1.0, each.load.streams / CAPACITY) for each in reports]
    selectors = {name: NodeSelector(REGIONS, "eu", name, random) for name in ("load", "random")}
    ours = _times("our decision", DECISIONS_ALONE["ours"], lambda: choose(fleet, need, 1500, random))
    theirs = [
        _times(f"LiveKit's decision, by {name}", DECISIONS_ALONE["LiveKit's"], lambda s=selector: s.select(listed, 1.5))
        for name, selector in selectors.items()
    ]
    return [row for rows in (ours, *theirs) for row in rows]


def _times(name: str, times: int, decide: Callable[[], object]) -> list[Row]:
    rates, slowest = [], []
    for _ in range(ROUNDS):
        took = []
        for _ in range(times):
            began = time.perf_counter()
            decide()
            took.append(time.perf_counter() - began)
        rates.append(1 / statistics.mean(took))
        slowest.append(_p99(took) * 1e3)
    return [Row(f"{name}, of {NODES:,} nodes", "/s", rates), Row(f"{name}: p99", "ms", slowest, digits=3)]


async def _in_full() -> list[Row]:
    async with (
        running_redis() as server,
        running_process("nodes", sys.executable, "-m", "bench.selection", server.url, cwd=ROOT) as nodes,
        Redis.connect(server.url) as redis,
    ):
        await nodes.says("all have reported", seconds=120)
        async with NodeRegistry.start(redis, most_joins_per_s=0) as registry:
            rates, slowest, costs, vain = [], [], [], []
            rooms = count()
            for number in range(ROUNDS + 1):
                began, cpu = time.perf_counter(), cpu_seconds()
                each = DECISIONS_IN_FULL // IN_FLIGHT
                found = [*chain(*await asyncio.gather(*(_place(registry, rooms, each) for _ in range(IN_FLIGHT))))]
                took = [seconds for seconds, _ in found]
                if number:  # the first is to warm up
                    vain.append(100 * sum(not node for _, node in found) / len(found))
                    rates.append(len(took) / (time.perf_counter() - began))
                    costs.append((cpu_seconds() - cpu) / len(took) * 1e6)
                    slowest.append(_p99(took) * 1e3)
    return [
        Row(f"decided and reserved, {IN_FLIGHT} in flight", "/s", rates),
        Row("decided and reserved: p99", "ms", slowest, digits=2),
        Row("decided and reserved: CPU of Python", "µs each", costs),
        Row("found no node, because reports came too late here", "%", vain, digits=2),
    ]


async def _place(registry: NodeRegistry, rooms: "count[int]", times: int) -> list[tuple[float, bool]]:
    """How long each took, and whether a node was found."""
    found = []
    for _ in range(times):
        claim = Claim(RoomId(f"room{next(rooms)}"), Incarnation("i1"), "first", "p1")
        began = time.perf_counter()
        outcome = await registry.reserve(claim, Need(streams=6, region="eu"))
        found.append((time.perf_counter() - began, outcome.node is not None))
    return found


def _p99(took: list[float]) -> float:
    return statistics.quantiles(took, n=100)[98]


def _report(number: int, sequence: int, streams: int) -> Heartbeat:
    return Heartbeat(
        node=NodeId(f"n{number}"), url=f"wss://n{number}.example.org/rpc/v1", region=REGIONS[number % 4].name,
        backend="janus", version="1.4.1", capabilities=frozenset(Capability), capacity=CAPACITY, state="up",
        load=NodeLoad(streams=streams), started_at=1, sequence=sequence, time_ms=1,
    )  # fmt: skip


async def report_for_ever(redis_url: str) -> None:
    """What the agents of all nodes do, as far as Redis sees it: each reports once a second."""
    async with Redis.connect(redis_url) as redis:
        store = NodeStore(redis)
        reports = [_report(number, 1, 0) for number in range(NODES)]
        for sequence in count(1):
            began = time.monotonic()
            for begin in range(0, NODES, 100):
                await asyncio.gather(
                    *(
                        store.record(each.model_copy(update={"sequence": sequence}))
                        for each in reports[begin : begin + 100]
                    )
                )
                due = began + begin / NODES
                if sequence > 1:  # the first time as fast as it goes
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
            if sequence == 1:
                print("all have reported", flush=True)


if __name__ == "__main__":
    uvloop.run(report_for_ever(sys.argv[1]))
