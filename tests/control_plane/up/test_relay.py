"""A coturn as `nexusvibe turn run` runs it, asked by a TURN client."""

import asyncio
import socket
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aioice import stun

from control_plane.turn.credentials import mint
from control_plane.turn.models import TurnTransport
from control_plane.turn.probe import probe
from control_plane.turn.secrets import read
from tests.support.turn import RunningRelay, TurnClient, answer_to_a_tcp_relay, running_relay, self_signed

FORBIDDEN = 403
UDP = TurnTransport.UDP


# Loopback, private, link-local, multicast, and others' public ones; 0.0.0.0 and :: mean this machine to some kernels.
IPV4_PEERS = (
    *("127.0.0.2", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),  # noqa: S104
    *("224.0.0.1", "239.1.2.3", "255.255.255.255", "8.8.8.8"),
)
IPV6_PEERS = (
    *("::1", "::", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "2a00:1450::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::10.0.0.1"),
)


async def test_nobody_reaches_a_peer_that_was_not_allowed(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path, peers=("127.0.0.1",)) as relay,
        TurnClient.allocate(relay.server, relay.credential()) as client,
    ):
        assert {peer: await client.may_reach(peer) for peer in IPV4_PEERS} == dict.fromkeys(IPV4_PEERS, FORBIDDEN)
        assert await client.may_reach("127.0.0.1") is None


async def test_what_an_expired_credential_relays_already_goes_on(tmp_path: Path) -> None:
    """So a call survives a control plane that is away for longer than a credential is valid."""
    async with running_relay(tmp_path) as relay:
        short = relay.credential(ttl=2)
        async with TurnClient.allocate(relay.server, short) as client:
            async with asyncio.timeout(20):
                while await probe(relay.server, UDP, short) != "refused_401":  # noqa: ASYNC110 -- time has to pass
                    await asyncio.sleep(0.05)
            assert await client.refreshes() is None
            assert await client.may_reach("127.0.0.1") is None


async def test_nobody_reaches_an_ipv6_peer_that_was_not_allowed(tmp_path: Path) -> None:
    """Nor does an allowed loopback address of the other family open anything."""
    async with (
        running_relay(tmp_path, peers=("127.0.0.1",), listen="::1") as relay,
        TurnClient.allocate(relay.server, relay.credential(), family=6) as client,
    ):
        assert client.relayed_address == "::1"
        assert {peer: await client.may_reach(peer) for peer in IPV6_PEERS} == dict.fromkeys(IPV6_PEERS, FORBIDDEN)


async def test_an_allowed_ipv6_peer_is_reached(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path, peers=("::1", "2001:db8::10-2001:db8::20"), listen="::1") as relay,
        TurnClient.allocate(relay.server, relay.credential(), family=6) as client,
    ):
        assert await client.may_reach("::1") is None
        assert await client.may_reach("2001:db8::15") is None
        assert await client.may_reach("2001:db8::21") == FORBIDDEN
        assert await client.may_reach("::ffff:127.0.0.1") == FORBIDDEN


async def test_without_allowed_peers_loopback_is_closed_too(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path, peers=()) as relay,
        TurnClient.allocate(relay.server, relay.credential()) as client,
    ):
        assert await client.may_reach("127.0.0.1") == FORBIDDEN


async def test_an_expired_or_forged_credential_is_refused(tmp_path: Path) -> None:
    async with running_relay(tmp_path) as relay:
        assert await probe(relay.server, UDP, relay.credential(ttl=-1)) == "refused_401"
        assert await probe(relay.server, UDP, mint("x" * 40, "somebody", int(time.time()) + 60)) == "refused_401"


async def test_secrets_rotate_without_a_cut(tmp_path: Path) -> None:
    async with running_relay(tmp_path) as relay:
        old = relay.credential()
        async with TurnClient.allocate(relay.server, old) as client:
            await relay.rotate()
            assert len(read(relay.secrets)) == 2
            assert await client.refreshes() is None
            assert await probe(relay.server, UDP, old) is None
            assert await probe(relay.server, UDP, relay.credential()) is None


async def test_a_leaked_secret_is_refused_at_once(tmp_path: Path) -> None:
    async with running_relay(tmp_path) as relay:
        leaked = relay.credential()
        await relay.rotate(forget=True)
        assert await probe(relay.server, UDP, leaked) == "refused_401"
        assert await probe(relay.server, UDP, relay.credential()) is None


async def test_a_participant_has_a_bounded_number_of_relays(tmp_path: Path) -> None:
    async with running_relay(tmp_path, "--per-participant", "2") as relay:
        credential = relay.credential("busy")
        async with TurnClient.allocate(relay.server, credential), TurnClient.allocate(relay.server, credential):
            assert await probe(relay.server, UDP, credential) == "refused_486"


async def test_all_together_have_a_bounded_number_of_relays(tmp_path: Path) -> None:
    async with running_relay(tmp_path, "--allocations", "2") as relay, AsyncExitStack() as stack:
        for name in ("one", "another"):
            await stack.enter_async_context(admitted(relay, name))
        assert await probe(relay.server, UDP, relay.credential("third")) == "refused_486"


@asynccontextmanager
async def admitted(relay: RunningRelay, name: str) -> AsyncIterator[None]:
    """An allocation, once coturn has a place for it: it gives one back a second after it was given up."""
    async with asyncio.timeout(30), AsyncExitStack() as stack:
        while True:
            try:
                await stack.enter_async_context(TurnClient.allocate(relay.server, relay.credential(name)))
            except stun.TransactionFailed:
                await asyncio.sleep(0.05)
            else:
                break
        yield


async def test_a_relay_carries_no_more_than_its_bitrate(tmp_path: Path) -> None:
    sent, size = 100, 1000
    assert await carried(tmp_path, sent, size) == sent
    assert await carried(tmp_path, sent, size, "--max-bitrate", "80000") < sent / 2


async def carried(folder: Path, packets: int, size: int, *options: str) -> int:
    """How many of so many packets, sent at once, come through a relay."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with peer:
        peer.bind(("127.0.0.1", 0))
        peer.setblocking(False)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * packets * size)
        async with (
            running_relay(folder, *options) as relay,
            TurnClient.allocate(relay.server, relay.credential()) as client,
        ):
            for _ in range(packets):
                await client.sends(bytes(size), peer.getsockname())
            assert await client.refreshes() is None  # answered in its turn: all that came before has been dealt with
            return sum(1 for _ in received_by(peer))


def received_by(peer: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            yield peer.recv(65_536)
        except BlockingIOError:
            return


async def test_all_relays_together_keep_to_the_total_bitrate(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path, "--max-bitrate", "800000", "--total-bitrate", "800000") as relay,
        admitted(relay, "one"),
    ):
        assert await probe(relay.server, UDP, relay.credential("another")) == "refused_486"


async def test_nobody_is_given_a_tcp_relay(tmp_path: Path) -> None:
    async with running_relay(tmp_path) as relay:
        assert await answer_to_a_tcp_relay(relay.server, relay.credential()) in {403, 442}


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that the relay can look into, which gives up root."""
    with tempfile.TemporaryDirectory(prefix="nv-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_a_new_certificate_is_taken_without_a_restart(readable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, key = self_signed(readable)
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    async with running_relay(readable, certificate=(chain, key)) as relay:
        before = await shown_by(relay)
        fresh_chain, fresh_key = self_signed(readable, "fresh")
        fresh_key.replace(key)
        fresh_chain.replace(chain)
        async with asyncio.timeout(20):
            while await shown_by(relay) == before:  # noqa: ASYNC110 -- the relay tells nobody
                await asyncio.sleep(0.05)
        assert await probe(relay.server, TurnTransport.TLS, relay.credential()) is None


async def shown_by(relay: RunningRelay) -> str:
    return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", relay.server.tls or 0))
