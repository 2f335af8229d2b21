"""A control-plane replica is killed in mid-call: nobody loses a frame by it, and everything goes on elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.support.browser import People, Person
from tests.support.figures import Figures
from tests.support.replica import Replica, System, running_system
from tests.support.sfu import Insight, Pauses, inside

pytestmark = [pytest.mark.browser, pytest.mark.faults, pytest.mark.asyncio(loop_scope="session")]

WATCH_S = 6.0


@dataclass(frozen=True)
class Call:
    """Four people: the first two, and the driver's lease, at the first replica; the others at the second."""

    system: System
    server: Insight
    alice: Person
    bob: Person
    carol: Person
    dave: Person

    @property
    def everybody(self) -> list[Person]:
        return [self.alice, self.bob, self.carol, self.dave]

    async def everybody_sees_and_hears_everybody(self) -> None:
        for one in self.everybody:
            for other in self.everybody:
                if one is not other:
                    await one.sees(other.name)
                    await one.hears(other.name)

    async def longest_gap(self) -> float:
        """Of all pictures that carol and dave see of others, whose camera was never touched: ms."""
        gaps = [
            gap
            for one in (self.carol, self.dave)
            for other in (self.bob, self.carol, self.dave)
            if one is not other
            for gap in await one.frame_gaps(other.name)
        ]
        return max(gaps)

    async def connections(self) -> list[list[list[str]]]:
        return [await one.connections() for one in self.everybody]

    async def forget_frames(self) -> None:
        for one in self.everybody:
            await one.forgets_frames()


@pytest_asyncio.fixture(loop_scope="session")
async def call(people: People, backend: str) -> AsyncIterator[Call]:
    async with (
        running_system(backend, replicas=2, spare=0) as system,
        inside(backend, system.folder / "node1") as server,
    ):
        first, second = system.replicas
        persons = [await people.arrives(name) for name in ("alice", "bob", "carol", "dave")]
        for person, replicas in zip(persons, [(first, second)] * 2 + [(second, first)] * 2, strict=True):
            await joins_knowing(person, replicas)
        call = Call(system, server, *persons)
        await call.everybody_sees_and_hears_everybody()
        yield call


async def joins_knowing(person: Person, replicas: tuple[Replica, ...]) -> None:
    """Join at the first of these replicas, knowing the others."""
    servers = ",".join(replica.ws_url for replica in replicas)
    token = replicas[0].token("demo", person.name)
    await person.opens(f"{replicas[0].url}/?servers={servers}#token={token}")
    await person.enters()


async def resumed_within(person: Person) -> float:
    """Seconds from the loss of the connection to the end of the resume, as the page saw it."""
    ms: float = await person.evaluate("() => window.resumed")
    return ms / 1000


# Says on the console that an offer has left the page.
WATCH_OFFERS = """
() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    send.call(this, data);
    const message = JSON.parse(data);
    if (message.type === 'description' && message.pc === 'publisher') console.log('offer sent');
  };
}
"""
WATCH_RESUME = """
() => {
  const { room } = window.nexusvibe;
  let lost = null;
  window.resumed = new Promise((resolve) => room.on('connectionChanged', (state) => {
    if (state === 'connected') { if (lost !== null) resolve(performance.now() - lost); }
    else lost ??= performance.now();
  }));
}
"""


async def test_a_killed_replica_costs_nobody_a_frame(call: Call, figures: Figures) -> None:
    await call.alice.stops_publishing("camera")
    await call.bob.does_not_see("alice", seconds=0.2)
    await call.forget_frames()
    await asyncio.sleep(WATCH_S)  # the control run: the same call for the same time, left alone
    control = await call.longest_gap()

    await call.forget_frames()
    connections = await call.connections()
    pauses = Pauses(call.server)
    for person in (call.alice, call.bob):
        await person.evaluate(WATCH_RESUME)
    await call.alice.evaluate(WATCH_OFFERS)
    agent, victim = call.system.nodes[0], call.system.replicas[0]
    agent.freeze()  # so that the offer is under way between replica and agent when the replica dies
    async with call.alice.page.expect_event("console", lambda message: message.text == "offer sent"):
        await call.alice.publishes("camera")
    await victim.process.kill()
    agent.thaw()

    resumed = max([await resumed_within(person) for person in (call.alice, call.bob)])
    await asyncio.sleep(max(0.0, WATCH_S - resumed))
    gap, pause = await call.longest_gap(), await pauses.longest()
    figures(
        f"replica killed, {call.system.backend}",
        resumed_ms=resumed * 1000,
        longest_frame_gap_ms=gap,
        longest_frame_gap_control_ms=control,
        longest_pause_at_the_sfu_ms=pause * 1000,
    )
    # How long is for `make faults`, on a quiet machine. Media that hung on the dead replica would need connections of
    # their own anew, or new ways for these.
    assert await call.connections() == connections

    await call.everybody_sees_and_hears_everybody()  # alice's interrupted negotiation has completed
    await call.bob.toggles_microphone()
    await call.carol.does_not_hear("bob")
    await call.bob.toggles_microphone()
    await call.carol.hears("bob")
    await call.alice.says("still here")
    await call.dave.reads("still here")
    for person in call.everybody:
        await person.leaves()
    await call.server.has_no_media()
