"""A coturn as `nexusvibe turn run` runs it, asked by a TURN client."""

import asyncio
import ssl
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane.turn.credentials import mint
from control_plane.turn.models import TurnTransport
from control_plane.turn.probe import probe
from control_plane.turn.secrets import read
from tests.support.turn import RunningRelay, TurnClient, running_relay, self_signed

FORBIDDEN = 403
UDP = TurnTransport.UDP


@pytest.mark.parametrize(
    "peer",
    ["10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.2", "169.254.169.254", "100.64.0.1", "224.0.0.1", "8.8.8.8"],
)
async def test_nobody_reaches_a_peer_that_was_not_allowed(tmp_path: Path, peer: str) -> None:
    async with (
        running_relay(tmp_path, peers=("127.0.0.1",)) as relay,
        TurnClient.allocate(relay.server, relay.credential()) as client,
    ):
        assert await client.may_reach(peer) == FORBIDDEN
        assert await client.may_reach("127.0.0.1") is None


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
