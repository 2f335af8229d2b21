"""What callers see when Redis is missing, dies, falls silent, or comes back empty."""

import asyncio
import datetime as dt
import ipaddress
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from control_plane.errors import Unavailable
from control_plane.state import Redis, RedisUnreachable
from control_plane.state.connection import MAX_IN_FLIGHT
from tests.control_plane.state.test_client import TOUCH
from tests.support.redis import free_ports, running_cluster, running_redis

pytestmark = pytest.mark.faults


def change(redis: Redis) -> tuple[asyncio.Event, asyncio.Event]:
    """Events that are set once Redis is lost, and once it is back."""
    lost, back = asyncio.Event(), asyncio.Event()
    redis.on_lost(lost.set)
    redis.on_connected(back.set)
    return lost, back


async def test_a_command_in_flight_when_redis_dies_is_unavailable() -> None:
    async with running_redis() as server, Redis.connect(server.url) as redis:
        waiting = asyncio.create_task(redis.execute("BLPOP", "nothing", 0))
        await redis.execute("PING")
        server.kill()
        with pytest.raises(Unavailable, match=r"Live state can't be reached now\."):
            await waiting


async def test_commands_fail_at_once_while_redis_is_away_and_succeed_when_it_is_back_and_empty() -> None:
    async with running_redis() as server, Redis.connect(server.url) as redis:
        lost, back = change(redis)
        assert await redis.run(TOUCH, ["key"], ["kept"]) == b"kept"
        server.kill()
        await lost.wait()
        assert not redis.connected
        began = time.monotonic()
        for _ in range(100):
            with pytest.raises(Unavailable):
                await redis.run(TOUCH, ["key"], ["lost"])
        assert time.monotonic() - began < 0.1
        await server.restart_empty()
        await asyncio.wait_for(back.wait(), 3)
        assert redis.connected
        assert await redis.execute("GET", "key") is None
        assert await redis.run(TOUCH, ["key"], ["new"]) == b"new"


async def test_a_frozen_redis_is_unavailable_after_the_timeout_and_then_at_once() -> None:
    async with running_redis() as server, Redis.connect(server.url, timeout=0.4) as redis:
        _, back = change(redis)
        server.stop()
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await redis.execute("GET", "key")
        assert 0.25 < time.monotonic() - began < 1
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await redis.execute("GET", "key")
        assert time.monotonic() - began < 0.05
        server.cont()
        await asyncio.wait_for(back.wait(), 5)
        assert await redis.execute("GET", "key") is None


async def test_a_redis_that_is_no_master_any_more_is_left_and_looked_for_anew() -> None:
    async with running_redis() as server, Redis.connect(server.url) as redis:
        lost, back = change(redis)
        server.ask("REPLICAOF", "127.0.0.1", 1)
        with pytest.raises(Unavailable):
            await redis.execute("SET", "key", "value")
        await asyncio.wait_for(lost.wait(), 1)
        server.ask("REPLICAOF", "NO", "ONE")
        await asyncio.wait_for(back.wait(), 2)
        await redis.execute("SET", "key", "value")


async def test_a_listener_that_fails_does_not_end_the_reconnecting() -> None:
    def fail() -> None:
        raise ValueError("a fault of the listener")

    async with running_redis() as server, Redis.connect(server.url) as redis:
        redis.on_lost(fail)
        _, back = change(redis)
        await server.restart_empty()
        await asyncio.wait_for(back.wait(), 3)


async def test_a_stall_of_our_own_process_is_not_taken_for_a_silent_redis() -> None:
    async with running_redis() as server, Redis.connect(server.url, timeout=0.2) as redis:
        waiting = asyncio.create_task(redis.execute("GET", "key"))
        await asyncio.sleep(0)
        time.sleep(0.5)  # noqa: ASYNC251 - the stall
        assert await waiting is None
        assert redis.connected


async def test_commands_waiting_for_a_frozen_redis_are_bounded() -> None:
    async with running_redis() as server, Redis.connect(server.url) as redis:
        server.stop()
        waiting = [asyncio.create_task(redis.execute("PING")) for _ in range(MAX_IN_FLIGHT)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await redis.execute("PING")
        assert not any(task.done() for task in waiting)
        server.cont()
        assert set(await asyncio.gather(*waiting)) == {b"PONG"}


async def test_a_lost_cluster_master_is_told_and_comes_back() -> None:
    async with running_cluster() as cluster, Redis.connect(cluster.url, cluster=True) as redis:
        lost, back = change(redis)
        cluster.masters[2].stop()
        with pytest.raises(Unavailable):
            await redis.execute("GET", "a")  # slot 15495, the third master's
        await asyncio.wait_for(lost.wait(), 5)
        assert not redis.connected
        cluster.masters[2].cont()
        await asyncio.wait_for(back.wait(), 10)
        while True:  # the other masters take a moment to call the cluster whole again
            try:
                assert await redis.execute("GET", "a") is None
                break
            except Unavailable:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://127.0.0.1:1/0", r"There is no Redis at redis://127.0.0.1:1/0 .*Start redis-server, or set NEXUSVIBE"),
        ("unix:///nowhere/redis.sock", r"There is no Redis at unix:///nowhere/redis.sock .*Start redis-server"),
        ("http://127.0.0.1", "NEXUSVIBE_REDIS_URL can't be read"),
    ],
)
async def test_starting_without_redis_says_what_to_do(url: str, sentence: str) -> None:
    with pytest.raises(RedisUnreachable, match=sentence):
        async with Redis.connect(url):
            pass


async def test_starting_with_a_frozen_redis_says_so() -> None:
    async with running_redis() as server:
        server.stop()
        with pytest.raises(RedisUnreachable, match="does not answer"):
            async with Redis.connect(server.url, timeout=0.2):
                pass


async def test_a_wrong_password_is_told_without_repeating_it() -> None:
    (port,) = free_ports(1)
    async with running_redis("--user", "app", "on", ">right", "~*", "&*", "+@all", port=port) as server:
        with pytest.raises(RedisUnreachable, match="WRONGPASS") as caught:
            async with Redis.connect(f"redis://app:wrong@127.0.0.1:{port}/0"):
                pass
        assert "app:wrong" not in str(caught.value)
        async with Redis.connect(f"redis://app:right@127.0.0.1:{port}/3") as redis:
            await redis.execute("SET", "key", "value")
        assert b"db3:keys=1" in server.ask("INFO", "keyspace")


@pytest.mark.parametrize("cluster", [True, False])
async def test_a_redis_of_the_other_kind_is_refused_at_start(cluster: bool, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("shared_redis") if cluster else request.getfixturevalue("shared_cluster").url
    with pytest.raises(RedisUnreachable, match=f"Set NEXUSVIBE_REDIS_CLUSTER={str(not cluster).lower()}"):
        async with Redis.connect(url, cluster=cluster):
            pass


async def test_tls_is_verified_against_the_given_authority(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    (port,) = free_ports(1)
    options = ["--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    async with running_redis(*options, "--tls-auth-clients", "no"):
        url = f"rediss://127.0.0.1:{port}/0"
        async with Redis.connect(f"{url}?ssl_ca_certs={certificate}") as redis:
            assert await redis.execute("PING") == b"PONG"
        with pytest.raises(RedisUnreachable, match="certificate verify failed"):
            async with Redis.connect(url):
                pass


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Files with a certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(hours=1))
    signed = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file
