"""Real relays for tests, and a TURN client that asks for what an attacker would."""

import asyncio
import datetime as dt
import ipaddress
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aioice import stun
from aioice.turn import TCP_TRANSPORT, TurnClientTcpProtocol, TurnClientUdpProtocol
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from control_plane.turn.credentials import TurnCredential, mint
from control_plane.turn.models import TurnServer
from control_plane.turn.probe import probe
from control_plane.turn.secrets import SecretsFile, rotated, signing, write
from tests.support.ports import reserved_port
from tests.support.processes import RunningProcess, running_process


@dataclass
class RunningRelay:
    """A `nexusvibe turn run` of our own on loopback. `credential` is signed as a replica would."""

    server: TurnServer
    secrets: Path
    process: RunningProcess

    def credential(self, opaque: str = "room-person", ttl: int = 60) -> TurnCredential:
        secret = signing(SecretsFile(self.secrets).known(), time.time())
        return mint(secret.value, opaque, int(time.time()) + ttl)

    async def answers(self) -> None:
        """Return once it relays over every transport."""
        await self.process.says("Total General servers", seconds=60)
        for transport in self.server.transports:
            while await probe(self.server, transport, self.credential()):  # noqa: ASYNC110 -- it tells nobody
                await asyncio.sleep(0.05)

    async def rotate(self, *, forget: bool = False) -> None:
        """Share another secret, and wait until the relay has noticed."""
        known = () if forget else SecretsFile(self.secrets).known()
        write(self.secrets, rotated(known, int(time.time()), delay=0, ttl=3600))
        await self.process.says("the secrets were rotated")


def share_a_secret(path: Path) -> None:
    write(path, rotated((), int(time.time()), delay=0, ttl=3600))


@asynccontextmanager
async def running_relay(
    folder: Path,
    *options: str,
    certificate: tuple[Path, Path] | None = None,
    peers: tuple[str, ...] = ("127.0.0.1",),
    listen: str = "127.0.0.1",
    port: int | None = None,
) -> AsyncIterator[RunningRelay]:
    """`certificate` is the chain and its key. Secrets that are in the folder are used."""
    secrets, port, tls_port = folder / "turn-secrets", port or reserved_port(), reserved_port()
    if not secrets.exists():
        share_a_secret(secrets)
    argv = [sys.executable, "-m", "control_plane", "turn", "run", "--listen", listen, "--secrets", str(secrets)]
    argv += ["--port", str(port), "--tls-port", str(tls_port), *options]
    for peer in peers:
        argv += ["--allow-peer", peer]
    if certificate is not None:
        argv += ["--cert", str(certificate[0]), "--key", str(certificate[1])]
    server = TurnServer(
        id="test",
        host=f"[{listen}]" if ":" in listen else listen,
        udp=port,
        tcp=port,
        tls=tls_port if certificate is not None else None,
    )
    async with running_process("turn", *argv, cwd=Path.cwd()) as process:
        relay = RunningRelay(server, secrets, process)
        await relay.answers()
        yield relay


# RFC 8656 §18.6; aioice does not ask for a family.
stun.ATTRIBUTES_BY_NAME["REQUESTED-ADDRESS-FAMILY"] = (
    0x0017,
    "REQUESTED-ADDRESS-FAMILY",
    stun.pack_unsigned,
    stun.unpack_unsigned,
)
_ALLOCATION_MISMATCH = 437
_FAMILY = {4: 0x01000000, 6: 0x02000000}


class _UdpAllocation(TurnClientUdpProtocol):
    """Asks for a relayed address of `family`, 4 or 6."""

    family = 4

    async def request(self, request: stun.Message) -> tuple[stun.Message, tuple[str, int]]:
        if request.message_method is stun.Method.ALLOCATE and self.family != 4:
            request.attributes["REQUESTED-ADDRESS-FAMILY"] = _FAMILY[self.family]
        return await super().request(request)


class TurnClient:
    """An allocation over UDP, whose owner asks for permissions one by one."""

    def __init__(self, protocol: TurnClientUdpProtocol) -> None:
        self._protocol = protocol

    @classmethod
    @asynccontextmanager
    async def allocate(
        cls, server: TurnServer, credential: TurnCredential, *, family: int = 4
    ) -> AsyncIterator["TurnClient"]:
        """`family` of the relayed address. Raises `stun.TransactionFailed`."""
        address = (server.host.strip("[]"), server.udp or 0)
        _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _UdpAllocation(
                address, credential.username, credential.password, lifetime=600, channel_refresh_time=500
            ),
            remote_addr=address,
        )
        protocol.family = family
        try:
            await protocol.connect()
            yield cls(protocol)
        finally:
            await protocol.delete()

    @property
    def relayed_address(self) -> str:
        assert self._protocol.relayed_address is not None
        return str(self._protocol.relayed_address[0])

    async def sends(self, data: bytes, peer: tuple[str, int]) -> None:
        """Through the relay, over a channel."""
        await self._protocol.send_data(data, peer)

    async def may_reach(self, peer: str) -> int | None:
        """Ask for a permission (RFC 8656 §9). None when it was given, else the error's number."""
        request = stun.Message(message_method=stun.Method.CREATE_PERMISSION, message_class=stun.Class.REQUEST)
        request.attributes["XOR-PEER-ADDRESS"] = (peer, 9)
        return await self._outcome(request)

    async def refreshes(self) -> int | None:
        """Prolong the allocation (RFC 8656 §8)."""
        request = stun.Message(message_method=stun.Method.REFRESH, message_class=stun.Class.REQUEST)
        request.attributes["LIFETIME"] = 600
        return await self._outcome(request)

    async def is_ended(self) -> None:
        """Return once the relay knows this allocation no more: a moment after it was told to end it."""
        async with asyncio.timeout(20):
            while await self.refreshes() != _ALLOCATION_MISMATCH:  # noqa: ASYNC110 -- it tells nobody
                await asyncio.sleep(0.05)

    async def _outcome(self, request: stun.Message) -> int | None:
        try:
            await self._protocol.request_with_retry(request)
        except stun.TransactionFailed as error:
            code: int = error.response.attributes["ERROR-CODE"][0]
            return code
        return None


async def answer_to_a_tcp_relay(server: TurnServer, credential: TurnCredential) -> int | None:
    """Ask for an allocation that relays TCP (RFC 6062 §4.1). None when it was given, else the error's number."""
    address = (server.host, server.tcp or 0)
    _, protocol = await asyncio.get_running_loop().create_connection(
        lambda: TurnClientTcpProtocol(
            address, credential.username, credential.password, lifetime=600, channel_refresh_time=500
        ),
        *address,
    )
    request = stun.Message(message_method=stun.Method.ALLOCATE, message_class=stun.Class.REQUEST)
    request.attributes["REQUESTED-TRANSPORT"] = TCP_TRANSPORT
    try:
        await protocol.request_with_retry(request)
    except stun.TransactionFailed as error:
        code: int = error.response.attributes["ERROR-CODE"][0]
        return code
    finally:
        protocol.transport.close()
    return None


def self_signed(folder: Path, name: str = "turn", address: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate for this address and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    for path in (chain, private):
        path.chmod(0o644)  # in a test's private folder; the relay gives up root before it reads them
    return chain, private
