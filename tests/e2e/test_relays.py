"""Calls through a real coturn, in browsers: which way their media take, and what a long call notices of a refresh."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from control_plane.database import Database
from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.records import RoomRecord, RoomRecords
from tests.support.browser import People
from tests.support.replica import System, running_system
from tests.support.turn import RunningRelay, running_relay

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SHORT_TTL_S = 12
FREEZE_MS = 1000


@asynccontextmanager
async def relayed_system(
    folder: Path, backend: str, transport: str, ttl: int = 3600
) -> AsyncIterator[tuple[System, RunningRelay]]:
    """A system whose people reach its relay over `transport` only."""
    async with running_relay(folder) as relay, running_system(backend, replicas=0, spare=1) as system:
        server = {"id": "relay", "host": "127.0.0.1", transport: relay.server.udp}
        await system.start_replica(
            turn_servers=json.dumps([server]), turn_secrets=str(relay.secrets), turn_ttl_s=str(ttl)
        )
        await system.replicas[0].until_ready()
        yield system, relay


async def make_private(system: System) -> None:
    """There is a room `private`, in which nobody may learn anybody's address."""
    async with Database.connect(system.database_url) as database:
        record = RoomRecord(RoomId("private"), RoomPolicy(relay_only=True), {})
        await RoomRecords(database).add(record, by="test", request=None)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_media_of_a_relay_only_room_pass_the_relay(
    tmp_path: Path, people: People, backend: str, transport: str
) -> None:
    async with relayed_system(tmp_path, backend, transport) as (system, _):
        await make_private(system)
        replica = system.replicas[0]
        alice, bob = await people.arrives("alice"), await people.arrives("bob")
        await alice.joins(replica, "private")
        await bob.joins(replica, "private")
        await alice.sees("bob")
        await bob.sees("alice")
        for person in (alice, bob):
            ways = await person.selected_candidates()
            assert ways
            assert set(ways) == {("relay", transport)}


async def test_a_long_call_crosses_three_refreshes_without_a_frozen_second(
    tmp_path: Path, people: People, backend: str
) -> None:
    async with relayed_system(tmp_path, backend, "udp", SHORT_TTL_S) as (system, _):
        await make_private(system)
        replica = system.replicas[0]
        alice, bob = await people.arrives("alice"), await people.arrives("bob")
        await alice.joins(replica, "private")
        await bob.joins(replica, "private")
        await alice.sees("bob")
        await alice.forgets_frames()
        for refresh in range(1, 4):
            await replica.process.says("ice_refreshed", 2 * SHORT_TTL_S, times=2 * refresh)  # both people's
            await alice.sees("bob")
        assert max(await alice.frame_gaps("bob")) < FREEZE_MS
        assert set(await alice.selected_candidates()) == {("relay", "udp")}
