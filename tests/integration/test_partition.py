"""Four media nodes in two regions and two relays, each on a machine of its own; then a cable is cut."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from control_plane.access.tokens import RoomTokens
from control_plane.ids import NodeId, RoomId
from control_plane.nodes.store import NodeStore
from control_plane.rooms.domain import RoomState
from control_plane.rooms.store import RoomStore
from control_plane.state import Redis
from control_plane.turn.secrets import rotated, write
from control_plane.up.keys import load_or_make_keys
from media_adapters.wire import new_private_key, private_key, public_text
from tests.support.agent import REPOSITORY, backends_site
from tests.support.client import Client, connected
from tests.support.database import migrate
from tests.support.namespaces import Machine, Network, network, why_impossible
from tests.support.processes import RunningProcess, running_process
from tests.support.redis import RedisServer, running_redis
from tests.support.replica import Replica
from tests.support.turn import self_signed

REGION_OF = {"n1": "a", "n2": "a", "n3": "b", "n4": "b"}
RELAYS = {"turn-a": "a", "turn-b": "b"}
PORT = 8080
PATIENCE = 120.0


@dataclass(frozen=True)
class Landscape:
    machines: Network
    replica: Replica
    redis: Redis

    @asynccontextmanager
    async def joiner(self, room: str, region: str) -> AsyncIterator[Client]:
        token = self.replica.token(room, "somebody", "Somebody")
        async with connected(self.replica.ws_url, self.machines.connector()) as client:
            yield await client.join(token, region=region)

    async def state(self, room: str) -> RoomState:
        return await RoomStore(self.redis).snapshot(RoomId(room))

    async def node_of(self, room: str) -> NodeId:
        (leg,) = (await self.state(room)).legs.values()
        return leg.node


def relay_address(client: Client) -> str:
    """Of the relay that the client was given first."""
    url: str = client.joined["placement"]["ice_servers"][0]["urls"][0]
    return url.split(":")[1]


@pytest.fixture
async def landscape(tmp_path: Path) -> AsyncIterator[Landscape]:
    if reason := why_impossible():
        pytest.skip(reason)
    async with AsyncExitStack() as stack:
        machines = stack.enter_context(network(*REGION_OF, *RELAYS))
        server = await stack.enter_async_context(running_redis())
        secrets = tmp_path / "turn-secrets"
        write(secrets, rotated((), int(time.time()), delay=0, ttl=3600))
        for name in RELAYS:
            relay = await stack.enter_async_context(running_relay_on(machines.machines[name], name, secrets))
            await relay.says("Total General servers", seconds=PATIENCE)
        replica = await stack.enter_async_context(running_replica_on(machines, server, tmp_path, secrets))
        for name in REGION_OF:
            await stack.enter_async_context(running_node_on(machines, name, tmp_path))
        redis = await stack.enter_async_context(Redis.connect(server.url))
        await replica.process.says("serving", seconds=PATIENCE)
        async with asyncio.timeout(PATIENCE):
            while (await NodeStore(redis).view()).count < len(REGION_OF):  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(0.05)
        yield Landscape(machines, replica, redis)


@asynccontextmanager
async def running_relay_on(machine: Machine, name: str, secrets: Path) -> AsyncIterator[RunningProcess]:
    argv = (sys.executable, "-m", "control_plane", "turn", "run", "--listen", machine.address, "--port", "3478")
    options = ("--secrets", str(secrets), "--allow-peer", "10.77.0.0-10.77.0.255")
    async with running_process(name, *machine.inside, *argv, *options, cwd=REPOSITORY) as process:
        yield process


@asynccontextmanager
async def running_replica_on(
    machines: Network, server: RedisServer, folder: Path, secrets: Path
) -> AsyncIterator[Replica]:
    """At the hub, which trusts the nodes' keys and certificates."""
    keys, database = load_or_make_keys(folder / "keys"), f"sqlite:///{folder}/nexusvibe.db"
    await migrate(database)
    certificates = folder / "certificates.pem"
    trusted = {}
    for name in REGION_OF:
        (folder / f"{name}.key-file").write_bytes(new_private_key())
        (folder / f"{name}.key-file").chmod(0o600)
        trusted[name] = public_text(private_key((folder / f"{name}.key-file").read_bytes()))
        chain, _ = self_signed(folder, name, machines.machines[name].address)
        with certificates.open("ab") as bundle:
            bundle.write(chain.read_bytes())
    relays = [
        {"id": name, "host": machines.machines[name].address, "region": region, "udp": 3478}
        for name, region in RELAYS.items()
    ]
    env = {
        "HOST": machines.hub.address, "PORT": str(PORT), "REDIS_URL": server.url, "DATABASE_URL": database,
        "SECRETS_DIR": str(keys.replica_secrets), "TRUSTED_NODES": json.dumps(trusted),
        "TURN_SERVERS": json.dumps(relays), "TURN_SECRETS": str(secrets),
    }  # fmt: skip
    async with running_process(
        "replica",
        *machines.hub.inside,
        *(sys.executable, "-m", "control_plane", "serve"),
        cwd=REPOSITORY,
        env={f"NEXUSVIBE_{key}": value for key, value in env.items()} | {"SSL_CERT_FILE": str(certificates)},
    ) as process:
        yield Replica(f"http://{machines.hub.address}:{PORT}", process, RoomTokens(keys.token_secret))


@asynccontextmanager
async def running_node_on(machines: Network, name: str, folder: Path) -> AsyncIterator[RunningProcess]:
    machine = machines.machines[name]
    env = {
        "ID": name, "KEY_FILE": str(folder / f"{name}.key-file"), "REGION": REGION_OF[name], "BACKEND": "recorder",
        "CONTROL_PUBLIC_KEY": load_or_make_keys(folder / "keys").control_public_key,
        "CONTROL_URLS": f"http://{machines.hub.address}:{PORT}", "HOST": machine.address, "PORT": "7800",
        "TLS_CERTIFICATE": str(folder / f"{name}.pem"), "TLS_KEY": str(folder / f"{name}.key"),
        "RUN_DIR": str(folder / f"run-{name}"),
    }  # fmt: skip
    paths = f"{REPOSITORY}:{backends_site(folder)}"
    async with running_process(
        name,
        *machine.inside,
        *(sys.executable, "-m", "media_adapters.agent"),
        cwd=folder,
        env={f"NEXUSVIBE_NODE_{key}": value for key, value in env.items()} | {"PYTHONPATH": paths},
    ) as process:
        yield process


@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_joiners_land_in_their_region_and_a_machine_that_is_cut_off_gets_nobody(landscape: Landscape) -> None:
    addresses = {name: machine.address for name, machine in landscape.machines.machines.items()}
    for room, region in (("one", "b"), ("two", "a"), ("three", "b"), ("four", "a")):
        async with landscape.joiner(room, region) as client:
            assert REGION_OF[await landscape.node_of(room)] == region
            assert relay_address(client) == addresses[f"turn-{region}"]

    async with landscape.joiner("stays", "a") as resident:
        lost = await landscape.node_of("stays")
        (left,) = {name for name, region in REGION_OF.items() if region == "a"} - {lost}
        landscape.machines.cut(lost)
        landscape.machines.cut("turn-a")
        await landscape.replica.process.says("node_lost", seconds=PATIENCE)
        await resident.until(lambda event: event["type"] == "placement", PATIENCE)
        assert await landscape.node_of("stays") == left
        for number in range(10):
            async with landscape.joiner(f"new-{number}", "a"):
                assert await landscape.node_of(f"new-{number}") == left

        await landscape.replica.process.says("turn_server_down", seconds=PATIENCE)
        async with landscape.joiner("relayed", "a") as client:
            assert relay_address(client) == addresses["turn-b"]
