import asyncio
import time

import pytest
from pydantic_core import from_json

from media_adapters.models import NodeId, NodeLoad
from media_adapters.wire import (
    METHODS,
    BadHeartbeat,
    BadKey,
    Handshake,
    Heartbeat,
    Hello,
    NotOfOurTime,
    Outbox,
    OutboxFull,
    new_nonce,
    new_private_key,
    private_key,
    public_key,
    public_text,
    sign_heartbeat,
    verify_heartbeat,
)

NODE = NodeId("n_1")
KEY = private_key(new_private_key())
OTHER_KEY = private_key(new_private_key())


def heartbeat(**changes: object) -> Heartbeat:
    values: dict[str, object] = {
        "node": NODE,
        "url": "ws://127.0.0.1:7800/rpc/v1",
        "region": "default",
        "backend": "janus",
        "version": "1.1.2",
        "capabilities": frozenset(),
        "capacity": 100,
        "state": "up",
        "load": NodeLoad(rooms=1, peers=1, streams=3),
        "started_at": 1,
        "sequence": 7,
        "time_ms": int(time.time() * 1000),
    }
    return Heartbeat.model_validate(values | changes)


def test_heartbeat_of_a_trusted_node_is_believed() -> None:
    sent = heartbeat()
    assert verify_heartbeat(*sign_heartbeat(sent, KEY), {NODE: public_text(KEY)}) == sent


@pytest.mark.parametrize("trusted", [{}, {NODE: public_text(OTHER_KEY)}], ids=["unknown node", "another key"])
def test_heartbeat_of_a_stranger_is_refused(trusted: dict[NodeId, str]) -> None:
    with pytest.raises(BadHeartbeat, match="not signed"):
        verify_heartbeat(*sign_heartbeat(heartbeat(), KEY), trusted)


def test_heartbeat_changed_on_its_way_is_refused() -> None:
    body, authorization = sign_heartbeat(heartbeat(), KEY)
    changed = body.replace(b'"streams":3', b'"streams":0')
    assert changed != body
    with pytest.raises(BadHeartbeat, match="not signed"):
        verify_heartbeat(changed, authorization, {NODE: public_text(KEY)})


@pytest.mark.parametrize("authorization", ["", "NexusVibe-Ed25519", "NexusVibe-Ed25519 %%%", "Bearer abc"])
def test_heartbeat_without_a_readable_signature_is_refused(authorization: str) -> None:
    body, _ = sign_heartbeat(heartbeat(), KEY)
    with pytest.raises(BadHeartbeat, match="not signed"):
        verify_heartbeat(body, authorization, {NODE: public_text(KEY)})


@pytest.mark.parametrize("drift", [-61, 61])
def test_heartbeat_of_another_time_is_refused(drift: int) -> None:
    signed = sign_heartbeat(heartbeat(), KEY)
    with pytest.raises(NotOfOurTime):
        verify_heartbeat(*signed, {NODE: public_text(KEY)}, time.time() + drift)


def test_body_that_is_no_heartbeat_is_refused() -> None:
    with pytest.raises(BadHeartbeat, match="not a heartbeat"):
        verify_heartbeat(b'{"node": "n_1"}', "NexusVibe-Ed25519 x", {NODE: public_text(KEY)})


def test_proof_fits_one_handshake_and_one_role_only() -> None:
    hello = Hello(replica="r_1", node=NODE, nonce=new_nonce())
    nonce = new_nonce()
    signature = Handshake(hello, nonce).sign_as_replica(KEY)
    public = KEY.public_key()
    assert Handshake(hello, nonce).replica_signed(public, signature)
    assert not Handshake(hello, nonce).agent_signed(public, signature)
    assert not Handshake(hello, new_nonce()).replica_signed(public, signature)
    for changed in ({"replica": "r_2"}, {"node": "n_2"}, {"nonce": new_nonce()}):
        assert not Handshake(hello.model_copy(update=changed), nonce).replica_signed(public, signature)


def test_names_can_not_be_shifted_into_one_another() -> None:
    nonce, agent_nonce = new_nonce(), new_nonce()
    signature = Handshake(Hello(replica="bc", node=NodeId("a"), nonce=nonce), agent_nonce).sign_as_agent(KEY)
    shifted = Handshake(Hello(replica="c", node=NodeId("ab"), nonce=nonce), agent_nonce)
    assert not shifted.agent_signed(KEY.public_key(), signature)


@pytest.mark.parametrize("text", ["", "not base64!", "AAAA"])
def test_public_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadKey):
        public_key(text)


def test_private_key_that_is_none_is_refused() -> None:
    with pytest.raises(BadKey):
        private_key(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


def test_every_call_of_the_contract_travels() -> None:
    assert {"publish", "subscribe", "answer", "adopt", "tap", "close_peer", "keep", "sync"} <= METHODS.keys()
    assert METHODS["publish"].scope == "peer"
    assert METHODS["sync"].scope == "room"
    assert METHODS["load"].scope == "node"
    assert not {"events", "close"} & METHODS.keys()


async def test_frames_of_one_tick_leave_together_and_in_order() -> None:
    messages: list[bytes] = []

    async def send(message: bytes) -> None:
        messages.append(message)

    outbox = Outbox(send, limit=100)
    running = asyncio.create_task(outbox.run())
    for number in range(50):
        outbox.put(b"%d" % number)
    outbox.end()
    await running
    assert [from_json(frame) for frame in messages[0].split(b"\n")] == list(range(50))
    assert len(messages) == 1


async def test_large_frames_are_not_heaped_into_one_message() -> None:
    sizes: list[int] = []

    async def send(message: bytes) -> None:
        sizes.append(len(message))

    outbox = Outbox(send, limit=100)
    running = asyncio.create_task(outbox.run())
    for _ in range(10):
        outbox.put(b"x" * 100_000)
    outbox.end()
    await running
    assert max(sizes) < 300_000
    assert sum(sizes) >= 1_000_000


async def test_queue_of_a_reader_that_stopped_is_bounded() -> None:
    stuck = asyncio.Event()

    async def send(message: bytes) -> None:
        await stuck.wait()

    outbox = Outbox(send, limit=3)
    running = asyncio.create_task(outbox.run())
    for _ in range(3):
        outbox.put(b"x")
    with pytest.raises(OutboxFull):
        outbox.put(b"x")
    running.cancel()
    await asyncio.wait({running})
