"""A machine becomes a media node, works, drains and is removed, by the commands that operators type."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from control_plane.ids import NodeId, RoomId
from control_plane.rooms.store import RoomStore
from control_plane.up.keys import load_or_make_keys
from tests.support.client import Client, RequestFailed, connected
from tests.support.database import migrate
from tests.support.enrolling import Operator, machine, operator
from tests.support.inprocess import LocalReplica, local_replica
from tests.support.processes import RunningProcess
from tests.support.redis import RedisTarget, running_redis

PATIENCE = 30.0


class Site:
    """Two replicas of one control plane, which know no node yet, and its operator."""

    def __init__(self, replicas: list[LocalReplica], store: RoomStore, admin: Operator, logs: list[Any]) -> None:
        self.replicas, self.store, self.operator = replicas, store, admin
        self._logs = logs

    async def node_of(self, room: str) -> NodeId:
        """Where the room's media are."""
        (leg,) = (await self.store.snapshot(RoomId(room))).legs.values()
        return leg.node

    async def every_replica_says(self, event: str, **fields: object) -> None:
        def said() -> bool:
            found = [line for line in self._logs if line["event"] == event and fields.items() <= line.items()]
            return len(found) >= len(self.replicas)

        await until(said)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 -- a log tells nobody
            await asyncio.sleep(0.02)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    database_url = f"sqlite:///{tmp_path}/nexusvibe.db"
    await migrate(database_url)
    keys = load_or_make_keys(tmp_path / "keys")
    pem = (keys.replica_secrets / "nexusvibe_control_key").read_text()
    async with running_redis() as server:
        target = RedisTarget(server.url, cluster=False)
        with capture_logs() as logs:
            async with (
                local_replica(target, "one", database_url=database_url, control_pem=pem) as one,
                local_replica(target, "two", database_url=database_url, control_pem=pem) as two,
                target.connect() as redis,
            ):
                admin = operator(keys, database_url, server.url, one.url)
                yield Site([one, two], RoomStore(redis), admin, logs)


@asynccontextmanager
async def joined(replica: LocalReplica, room: str) -> AsyncIterator[Client]:
    async with connected(replica.ws_url) as client:
        yield await client.join(replica.token(room, "ann"))


async def approved(site: Site, node: RunningProcess, name: str) -> None:
    await node.says("node_pending", 60)
    await site.operator.does("node", "approve", name)
    await node.says("heartbeats_believed", 60)


async def test_a_machine_becomes_a_node_takes_rooms_drains_and_is_removed(site: Site, tmp_path: Path) -> None:
    one, two = site.replicas
    command = await site.operator.adds("n1")
    async with machine(tmp_path, "n1", command) as n1:
        await n1.says("node_pending", 60)
        with pytest.raises(RequestFailed, match="no_capacity"):
            async with joined(one, "early"):
                pass
        assert (await site.operator.shows("n1"))["state"] == "pending"

        await approved(site, n1, "n1")
        async with joined(two, "first") as bob, machine(tmp_path, "n2", await site.operator.adds("n2")) as n2:
            assert await site.node_of("first") == "n1"
            shown = await site.operator.shows("n1")
            assert (shown["state"], shown["region"], shown["media_server"]) == ("up", "eu", "recorder 1")
            assert shown["warnings"] == ["Only for tests."]

            await approved(site, n2, "n2")
            await site.operator.does("node", "drain", "n1")
            await site.every_replica_says("node_records_changed", draining=1)
            async with joined(one, "second"):
                assert await site.node_of("second") == "n2"

            placement = await bob.until(lambda event: event["type"] == "placement", PATIENCE)
            await bob.asks("ready", epoch=placement["placement"]["epoch"])
            await bob.until(lambda event: event["type"] == "placement.closed", PATIENCE)
            assert await site.node_of("first") == "n2"

            await site.operator.does("node", "undrain", "n1")
            await site.operator.does("node", "remove", "n2")
            await n2.says("node_removed", 60)
            placement = await bob.until(lambda event: event["type"] == "placement", PATIENCE)
            assert placement["placement"]["epoch"] == 3
            assert await site.node_of("first") == "n1"
            await n2.says("replica_gone", 60)
        code, said = await site.operator.types("node", "show", "n2")
        assert (code, said) == (1, "nexusvibe: There is no node n2.\n")
