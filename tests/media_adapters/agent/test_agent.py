"""The agent as a real process with a real Janus: kills, freezes and what is left afterwards."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from control_plane.nodes.identity import new_control_key
from control_plane.nodes.rpc import Lost
from media_adapters.agent.process import ProcessRecord
from media_adapters.errors import NodeGone, RoomNotFound
from media_adapters.events import SfuDied
from media_adapters.models import Incarnation, ParticipantId, PeerRef, RoomId, RoomRef, RoomSpec
from tests.support.agent import agent_environment, agent_folder, running_agent, start_agent

ROOM = RoomRef(room=RoomId("room"), incarnation=Incarnation("one"))
ALICE = PeerRef(room=ROOM, participant=ParticipantId("alice"), epoch=1)

pytestmark = pytest.mark.faults


async def gone(pid: int) -> None:
    async with asyncio.timeout(5):
        while ProcessRecord.of(pid):  # noqa: ASYNC110 -- it is nobody's child any more: nothing announces its end
            await asyncio.sleep(0.01)


async def test_janus_dies_with_its_agent_and_the_node_is_refused_at_once() -> None:
    async with running_agent() as agent, agent.dialled() as replica:
        await replica.client.acting(fence=1).open_room(ROOM, RoomSpec())
        janus = agent.sfu_pid
        assert ProcessRecord.of(janus)
        killed_at = time.monotonic()
        await agent.kill()
        await replica.lost.until(lambda lost: lost is Lost.REFUSED)
        assert time.monotonic() - killed_at < 1
        await gone(janus)


async def test_agent_that_is_asked_to_stop_says_so_and_leaves_nothing() -> None:
    async with running_agent() as agent, agent.dialled() as replica:
        janus = agent.sfu_pid
        agent.process.terminate()
        assert await replica.events.next() == SfuDied(reason="the agent stops")
        assert await asyncio.wait_for(agent.process.wait(), 10) == 0
        assert ProcessRecord.of(janus) is None
        assert not (agent.run_dir / "sfu.json").exists()


async def test_frozen_agent_is_noticed_within_three_seconds() -> None:
    async with running_agent() as agent, agent.dialled() as replica:
        agent.stop()
        frozen_at = time.monotonic()
        with pytest.raises(NodeGone):
            await replica.client.acting().load()
        assert time.monotonic() - frozen_at < 3
        assert await replica.lost.next() is Lost.SILENT
        agent.cont()
        await replica.connected.next()


async def test_agent_that_slept_through_a_lease_closes_the_room_before_it_serves_anybody() -> None:
    async with running_agent(room_lease=2) as agent, agent.dialled() as replica:
        driver, alice = replica.client.acting(fence=1), replica.client.acting(generation=1)
        await driver.open_room(ROOM, RoomSpec())
        await alice.subscribe(ALICE, [])
        assert [status.peer for status in await driver.peers(ROOM)] == [ALICE]
        agent.stop()
        late = asyncio.create_task(alice.subscribe(ALICE, []))  # waits in the frozen agent's socket
        await asyncio.wait({late})
        agent.cont()
        await replica.connected.next()
        with pytest.raises(RoomNotFound):
            await alice.subscribe(ALICE, [])
        assert (await driver.load()).rooms == 0
        assert (await replica.client.keep([(ROOM, 1)])).missing == (ROOM,)
        assert isinstance(late.exception(), NodeGone)


async def test_room_whose_driver_is_gone_is_closed_in_janus() -> None:
    async with running_agent(room_lease=0.5) as agent, agent.dialled() as replica:
        await replica.client.acting(fence=1).open_room(ROOM, RoomSpec())
        await replica.client.acting(generation=1).subscribe(ALICE, [])
        await agent.logs.wait_for("room_lease_lapsed")
        assert (await replica.client.acting().load()).rooms == 0


async def test_killed_janus_is_told_and_started_again() -> None:
    async with running_agent() as agent, agent.dialled() as replica:
        driver = replica.client.acting(fence=1)
        await driver.open_room(ROOM, RoomSpec())
        first, killed_at = agent.sfu_pid, time.monotonic()
        os.kill(first, signal.SIGKILL)
        assert isinstance(await replica.events.next(), SfuDied)
        assert time.monotonic() - killed_at < 1
        assert await replica.lost.next() is Lost.SFU_DOWN
        await replica.connected.next()
        assert agent.sfu_pid != first
        assert (await replica.client.keep([(ROOM, 1)])).missing == (ROOM,)
        await driver.open_room(ROOM, RoomSpec())
        assert (await driver.load()).rooms == 1


async def test_sfu_that_an_earlier_agent_left_behind_is_killed_by_the_next() -> None:
    leftover = await asyncio.create_subprocess_exec("sleep", "1000", start_new_session=True)
    with agent_folder() as folder:
        note(leftover.pid, folder)
        async with running_agent(run_dir=folder):
            assert await leftover.wait() == -signal.SIGKILL


def note(pid: int, folder: Path) -> None:
    """As an agent does for the next one."""
    record = ProcessRecord.of(pid)
    assert record is not None
    (folder / "sfu.json").write_text(record.model_dump_json())


async def test_start_without_janus_says_what_to_install() -> None:
    with agent_folder() as folder:
        options = '{"janus": "/nowhere/janus"}'
        environment = agent_environment(folder, control_pem=new_control_key(), options=options)
        process, logs = await start_agent(environment, folder)
        lines = await logs.ended()
    assert await process.wait() == 1
    (sentence,) = [line["line"] for line in lines if "line" in line]
    assert sentence.startswith("nexusvibe node: Janus is not installed. Install it (Debian: `apt-get install janus`)")
