"""The client of the node RPC against the agent's server over real sockets, in front of a recorder."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve

from control_plane.nodes.identity import ControlKey, new_control_key
from control_plane.nodes.rpc import Lost
from control_plane.nodes.rpc_connection import why_not_connected
from media_adapters.errors import MediaError, NodeGone, NodeTimeout, PeerNotFound, RoomNotFound, StaleNegotiation
from media_adapters.events import MediaEvent
from media_adapters.models import IceCandidate, NodeId, PeerConnectionRole
from media_adapters.wire import SUBPROTOCOL, Challenge, Handshake, Hello, new_nonce, private_key, public_text
from tests.support.agent import LocalAgent, Reachable, Replica, local_agent
from tests.support.cast import ALICE, CAMERA, OFFER, ROOM, opened, started
from tests.support.ports import reserved_port


async def test_calls_arrive_as_they_were_made_and_results_come_back() -> None:
    async with local_agent() as agent, agent.dialled() as replica:
        await opened(replica)
        alice = replica.client.acting(generation=1)
        answer = await alice.publish(ALICE, offer=OFFER)
        assert (answer.negotiation, answer.sdp) == (1, "v=0 answer")
        candidate = IceCandidate(candidate="candidate:1 1 udp 1 127.0.0.1 9 typ host", sdp_mid="0")
        await alice.add_candidate(ALICE, PeerConnectionRole.PUBLISHER, candidate)
        await alice.add_candidate(ALICE, PeerConnectionRole.PUBLISHER, None)
        (status,) = await alice.peers(ROOM)
        assert status == await alice.adopt(ALICE)
        assert status.tracks == (CAMERA,)
        assert (await replica.client.acting().load()).peers == 1
        assert (await replica.client.acting().describe()).backend == "recorder"
        assert [name for name, _ in agent.media.calls] == [
            "open_room",
            "publish",
            "add_candidate",
            "add_candidate",
            "adopt",
        ]


async def test_errors_of_the_node_keep_their_kind_and_sentence() -> None:
    async with local_agent() as agent, agent.dialled() as replica:
        alice = replica.client.acting(generation=1)
        with pytest.raises(RoomNotFound):
            await alice.publish(ALICE, OFFER)
        await opened(replica)
        with pytest.raises(PeerNotFound):
            await alice.answer(ALICE, 1, "v=0")
        agent.media.fails["publish"] = StaleNegotiation("That was negotiation 1.")
        with pytest.raises(StaleNegotiation, match=r"That was negotiation 1\."):
            await alice.publish(ALICE, OFFER)


async def test_call_without_an_answer_ends_with_its_time() -> None:
    async with local_agent() as agent, agent.dialled(call_timeout=0.2) as replica:
        agent.media.held["open_room"] = asyncio.Event()
        with pytest.raises(NodeTimeout):
            await opened(replica)
        assert (await replica.client.acting().load()).rooms == 0


async def test_many_calls_at_once_are_performed_in_their_order() -> None:
    async with local_agent() as agent, agent.dialled() as replica:
        await opened(replica)
        peers = [ALICE.model_copy(update={"epoch": epoch}) for epoch in range(300)]
        driver = replica.client.acting(fence=1)
        await asyncio.gather(*(driver.subscribe(peer, []) for peer in peers))
        assert [peer for name, peer in agent.media.calls if name == "subscribe"] == peers


async def test_call_without_authority_changes_nothing() -> None:
    async with local_agent() as agent, agent.dialled() as replica:
        participant, nobody = replica.client.acting(generation=1), replica.client.acting()
        for call in (
            lambda: nobody.subscribe(ALICE, []),
            lambda: nobody.sync(ROOM, []),
            lambda: participant.close_room(ROOM),
        ):
            with pytest.raises(MediaError, match="needs"):
                await call()
        assert agent.media.calls == []


async def test_node_with_another_key_than_the_pinned_one_gets_no_proof_from_us() -> None:
    stranger = public_text(private_key(new_control_key().encode()))
    async with local_agent() as agent, agent.dialling(node_key=stranger) as replica:
        assert await replica.lost.next() is Lost.UNTRUSTED
        assert not replica.client.connected
        with pytest.raises(NodeGone):
            await replica.client.acting().load()


async def test_control_plane_with_another_key_is_not_served() -> None:
    key = ControlKey.from_pem(new_control_key())
    async with local_agent() as agent, agent.dialling(control_key=key) as replica:
        assert await replica.lost.next() is Lost.UNTRUSTED


async def test_node_that_is_not_there_is_refused_and_found_once_it_is() -> None:
    port = reserved_port()
    async with local_agent() as agent, agent.dialling(url=f"ws://127.0.0.1:{port}/rpc/v1") as replica:
        assert await replica.lost.next() is Lost.REFUSED
        async with agent.server.listen("127.0.0.1", port):
            assert (await replica.connected.next()).backend == "recorder"
        assert await replica.lost.next() is not Lost.REFUSED
        assert await replica.lost.until(lambda lost: lost is Lost.REFUSED)


async def test_node_that_accepts_and_says_nothing_is_silent_and_not_refused() -> None:
    agent = Reachable(NodeId("n"), "", public_text(private_key(new_control_key().encode())), new_control_key())
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"ws://127.0.0.1:{mute.getsockname()[1]}/rpc/v1"
        async with agent.dialling(url=url) as replica:
            assert await replica.lost.next() is Lost.SILENT


async def test_node_is_reached_over_tls_when_its_certificate_is_trusted(tmp_path: Path) -> None:
    served, trusting = certificate_for_loopback(tmp_path)
    async with local_agent() as agent, agent.server.listen("127.0.0.1", 0, served) as port:
        url = f"wss://127.0.0.1:{port}/rpc/v1"
        async with agent.dialled(url=url, tls=trusting) as replica:
            assert (await replica.client.acting().load()).rooms == 0
        async with agent.dialling(url=url) as stranger:
            assert await stranger.lost.next() is Lost.UNREACHABLE


def certificate_for_loopback(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a fresh self-signed certificate, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "tls.pem", folder / "tls.key"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(file, key_file)
    return served, ssl.create_default_context(cafile=str(file))


async def test_lost_connection_fails_every_call_at_once_and_is_made_again() -> None:
    async with local_agent() as agent, agent.dialled() as replica:
        agent.media.held["open_room"] = asyncio.Event()
        calls = [asyncio.create_task(opened(replica)) for _ in range(3)]
        await agent.media.waiting.wait()
        cut(agent)
        done, waiting = await asyncio.wait(calls, timeout=1)
        assert not waiting
        assert all(isinstance(call.exception(), NodeGone) for call in done)
        assert await replica.lost.next() is Lost.CLOSED
        await replica.connected.next()
        assert (await replica.client.acting().load()).rooms == 0
        agent.media.held["open_room"].set()


def cut(agent: LocalAgent) -> None:
    """Every connection of the agent breaks."""
    for connection in agent.server._connections:
        connection._websocket.transport.abort()


async def test_who_calls_again_as_soon_as_a_call_was_lost_does_not_wait_for_an_answer() -> None:
    async def insists(replica: Replica) -> None:
        for _ in range(2):
            with pytest.raises(NodeGone):
                await opened(replica)

    async with local_agent() as agent, agent.dialled() as replica:
        agent.media.held["open_room"] = asyncio.Event()
        insisting = asyncio.create_task(insists(replica))
        await agent.media.waiting.wait()
        cut(agent)
        async with asyncio.timeout(1):
            await insisting
        agent.media.held["open_room"].set()


async def test_listener_that_fails_does_not_cost_the_connection() -> None:
    async with local_agent() as agent, agent.dialled() as replica:
        await opened(replica)
        await replica.client.acting(generation=1).publish(ALICE, OFFER)

        def fail(_event: MediaEvent) -> None:
            raise RuntimeError("a listener's own fault")

        replica.client._on_event = fail
        agent.media.emit(started(ALICE))
        assert (await replica.client.acting().load()).peers == 1


async def test_frames_of_a_newer_agent_are_passed_over() -> None:
    agent_key, control = private_key(new_control_key().encode()), new_control_key()

    async def newer(websocket: ServerConnection) -> None:
        hello = Hello.model_validate_json(await websocket.recv())
        nonce = new_nonce()
        signature = Handshake(hello, nonce).sign_as_agent(agent_key)
        await websocket.send(Challenge(nonce=nonce, signature=signature).model_dump_json())
        await websocket.recv()
        await websocket.send('{"node": {"backend": "x", "version": "9", "capabilities": [], "new": 1}}')
        await websocket.recv()
        for frame in ('{"event": {"type": "new"}}', "[]", '"x"', "7", "noise", '{"id": 99, "result": 1}'):
            await websocket.send(frame)
        await websocket.send('{"id": 1, "result": {"rooms": 3, "new": true}}')
        await websocket.wait_closed()

    async with serve(newer, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        agent = Reachable(NodeId("n"), f"ws://127.0.0.1:{port}/rpc/v1", public_text(agent_key), control)
        async with agent.dialled() as replica:
            assert (await replica.client.acting().load()).rooms == 3


def test_name_with_two_addresses_is_refused_only_when_both_are() -> None:
    one, two = "[Errno 111] Connect call failed ('::1', 9)", "[Errno 111] Connect call failed ('127.0.0.1', 9)"
    assert why_not_connected(OSError(f"Multiple exceptions: {one}, {two}")) is Lost.REFUSED
    assert why_not_connected(OSError(f"Multiple exceptions: {one}, [Errno 113] No route")) is Lost.UNREACHABLE
    assert why_not_connected(socket.gaierror(-2, "Name or service not known")) is Lost.UNREACHABLE
