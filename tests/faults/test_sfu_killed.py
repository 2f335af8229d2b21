"""An SFU or its agent is killed in mid-call: the people go on at another node, as the same participants."""

import os
import re
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.support.browser import People, Person
from tests.support.figures import Figures
from tests.support.processes import RunningProcess
from tests.support.replica import System, running_system

pytestmark = [pytest.mark.browser, pytest.mark.faults, pytest.mark.asyncio(loop_scope="session")]


@dataclass(frozen=True)
class Call:
    system: System
    alice: Person
    bob: Person

    def serving_node(self) -> RunningProcess:
        """The node that the replica is connected to: nobody else is in a call."""
        return next(node for node in self.system.nodes if any("replica_connected" in line for line in node.lines))

    async def goes_on_elsewhere(self, began: float) -> float:
        """Both see each other again, as who they were. Seconds until they did."""
        before = [await person.evaluate("() => window.nexusvibe.room.me.id") for person in (self.alice, self.bob)]
        for person in (self.alice, self.bob):
            await person.evaluate(MOVED)
        await self.alice.sees("bob")
        await self.bob.sees("alice")
        took = time.monotonic() - began
        after = [await person.evaluate("() => window.nexusvibe.room.me.id") for person in (self.alice, self.bob)]
        assert after == before
        await self.alice.hears("bob")
        await self.alice.says("and we are back")
        await self.bob.reads("and we are back")
        return took


# Resolves when another node's picture is there: the subscribed tracks were told again.
MOVED = """
() => window.moved
"""
WATCH_MOVE = """
() => {
  window.moved = new Promise((resolve) =>
    window.nexusvibe.room.on("trackSubscribed", ({ track }) => { if (track.kind === "video") resolve(true); }));
  return true;
}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def call(people: People, backend: str) -> AsyncIterator[Call]:
    async with running_system(backend, nodes=2, spare=0) as system:
        alice, bob = [await people.arrives(name) for name in ("alice", "bob")]
        await alice.joins(system.replicas[0], "demo")
        await bob.joins(system.replicas[0], "demo")
        await alice.sees("bob")
        await bob.sees("alice")
        for person in (alice, bob):
            await person.evaluate(WATCH_MOVE)
        yield Call(system, alice, bob)


async def test_a_killed_sfu_s_call_goes_on_at_another_node(call: Call, figures: Figures) -> None:
    started = re.search(r"pid=(\d+)", await call.serving_node().says("sfu_started"))
    assert started is not None
    began = time.monotonic()
    os.kill(int(started.group(1)), signal.SIGKILL)
    figures(f"SFU killed, {call.system.backend}", picture_back_ms=await call.goes_on_elsewhere(began) * 1000)


async def test_a_killed_agent_s_call_goes_on_at_another_node(call: Call, figures: Figures) -> None:
    began = time.monotonic()
    await call.serving_node().kill()
    figures(f"agent killed, {call.system.backend}", picture_back_ms=await call.goes_on_elsewhere(began) * 1000)
