"""Certificates that change under a running server, and replicas that take the one that the node has signed for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from control_plane.ids import NodeId
from control_plane.nodes.identity import ControlKey, new_control_key
from control_plane.nodes.rpc import Lost
from media_adapters.agent.own_certificate import own_certificate
from media_adapters.agent.server import NodeServer
from media_adapters.agent.service import AgentService
from media_adapters.wire import PATH, new_private_key, private_key, public_key, public_text
from media_adapters.wire.certificates import ServerCertificate
from tests.support.agent import Reachable
from tests.support.certificates import Pair, made, shown_at, until_shown
from tests.support.recorder import DESCRIPTION, RecordingNode


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


@asynccontextmanager
async def served(certificate: ServerCertificate) -> AsyncIterator[int]:
    """A server that only shakes hands, which keeps up with the files; yields its port."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=certificate.context)
    watching = asyncio.create_task(certificate.watch())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        watching.cancel()
        server.close()
        await server.wait_closed()


async def test_new_connections_are_shown_a_renewed_certificate(pair: Pair) -> None:
    certificate = ServerCertificate(pair.certificate, pair.key)
    async with served(certificate) as port:
        assert await shown_at(port) == pair.fingerprint == certificate.fingerprint
        pair.renew()
        await until_shown(port, pair.fingerprint)
        assert certificate.fingerprint == pair.fingerprint


async def test_half_a_renewal_or_rubbish_leaves_the_one_before_in_use(pair: Pair) -> None:
    certificate, before = ServerCertificate(pair.certificate, pair.key), pair.fingerprint
    async with served(certificate) as port:
        other, other_key = made()
        pair.certificate.write_bytes(other)
        assert not certificate.reload()
        assert await shown_at(port) == before
        pair.key.write_bytes(b"rubbish")
        assert not certificate.reload()
        pair.key.unlink()
        assert not certificate.reload()
        assert await shown_at(port) == before
        pair.key.write_bytes(other_key)
        await until_shown(port, pair.fingerprint)


class TlsNode(Reachable):
    """An agent's server behind TLS."""


@asynccontextmanager
async def tls_node(certificate: ServerCertificate) -> AsyncIterator[TlsNode]:
    key, control_pem = private_key(new_private_key()), new_control_key()
    service = AgentService(room_lease=30.0)
    server = NodeServer(NodeId("n1"), key, public_key(ControlKey.from_pem(control_pem).public), service)
    service.attach(RecordingNode(), DESCRIPTION)
    async with server.listen("127.0.0.1", 0, certificate.context) as port:
        yield TlsNode(NodeId("n1"), f"wss://127.0.0.1:{port}{PATH}", public_text(key), control_pem)


async def test_a_certificate_that_nobody_signed_is_taken_if_the_node_vouches_for_it(tmp_path: Path) -> None:
    certificate = ServerCertificate(own_certificate(tmp_path))
    async with tls_node(certificate) as node:
        async with node.dialled(certificate=certificate.fingerprint) as replica:
            assert await replica.client.acting().describe() == DESCRIPTION
        assert own_certificate(tmp_path).read_bytes() == own_certificate(tmp_path).read_bytes()


async def test_any_other_certificate_is_refused_before_a_word_is_said(tmp_path: Path, pair: Pair) -> None:
    mine = ServerCertificate(own_certificate(tmp_path))
    async with tls_node(ServerCertificate(pair.certificate, pair.key)) as man_in_the_middle:
        async with man_in_the_middle.dialling(certificate=mine.fingerprint) as replica:
            assert await replica.lost.next(30) is Lost.UNTRUSTED
        async with man_in_the_middle.dialling() as replica:  # without a pin the system's authorities decide
            assert await replica.lost.next(30) is Lost.UNREACHABLE
