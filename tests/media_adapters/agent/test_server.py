"""The agent's server as a stranger and as a rude replica meet it: raw websockets, no client of ours."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from control_plane.nodes.identity import ControlKey, new_control_key
from media_adapters.agent import server
from media_adapters.events import TrackStopped
from media_adapters.models import Incarnation, ParticipantId, PeerRef, RoomId, RoomRef, TrackId
from media_adapters.wire import (
    CLOSE_SFU_DOWN,
    CLOSE_UNAUTHORIZED,
    MAX_MESSAGE,
    SUBPROTOCOL,
    Challenge,
    Handshake,
    Hello,
    Proof,
    encode_event,
    new_nonce,
)
from tests.support.agent import LocalAgent, local_agent

ROOM = RoomRef(room=RoomId("room"), incarnation=Incarnation("one"))
ALICE = PeerRef(room=ROOM, participant=ParticipantId("alice"), epoch=1)


@asynccontextmanager
async def raw(agent: LocalAgent) -> AsyncIterator[ClientConnection]:
    async with connect(
        agent.url, subprotocols=[SUBPROTOCOL], compression=None, proxy=None, max_size=None, close_timeout=1
    ) as websocket:
        yield websocket


async def introduce(websocket: ClientConnection, agent: LocalAgent, key: ControlKey, **changes: Any) -> Proof:
    """The handshake up to and including our proof."""
    hello = Hello.model_validate({"replica": "r_raw", "node": agent.node, "nonce": new_nonce()} | changes)
    await websocket.send(hello.model_dump_json())
    challenge = Challenge.model_validate_json(await websocket.recv())
    proof = Proof(signature=key.sign(Handshake(hello, challenge.nonce)))
    await websocket.send(proof.model_dump_json())
    return proof


@asynccontextmanager
async def replica(agent: LocalAgent) -> AsyncIterator[ClientConnection]:
    async with raw(agent) as websocket:
        await introduce(websocket, agent, agent.control_key)
        assert json.loads(await websocket.recv())["node"]["backend"] == "recorder"
        yield websocket


async def answer(websocket: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(websocket.recv(), 5))


async def read_on(websocket: ClientConnection) -> None:
    while True:
        await asyncio.wait_for(websocket.recv(), 5)


async def close_reason(websocket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        await read_on(websocket)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


async def test_replica_of_another_control_plane_is_refused_with_the_reason() -> None:
    async with local_agent() as agent, raw(agent) as websocket:
        await introduce(websocket, agent, ControlKey.from_pem(new_control_key()))
        code, reason = await close_reason(websocket)
    assert code == CLOSE_UNAUTHORIZED
    assert "control plane" in reason


async def test_proof_that_was_overheard_is_worth_nothing() -> None:
    async with local_agent() as agent:
        async with raw(agent) as websocket:
            overheard = await introduce(websocket, agent, agent.control_key)
        async with raw(agent) as websocket:
            await websocket.send(Hello(replica="r_raw", node=agent.node, nonce=new_nonce()).model_dump_json())
            await websocket.recv()
            await websocket.send(overheard.model_dump_json())
            assert (await close_reason(websocket))[0] == CLOSE_UNAUTHORIZED


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ('{"id": 1, "method": "load"}', "expected hello"),
        ("\x00 not json", "expected hello"),
        ("x" * 5000, "too long"),
        ('{"replica": "r", "node": "n_local", "nonce": "short"}', "expected hello"),
    ],
    ids=["call", "noise", "long", "no nonce"],
)
async def test_stranger_who_does_not_introduce_itself_is_refused(first: str, reason: str) -> None:
    async with local_agent() as agent, raw(agent) as websocket:
        await websocket.send(first)
        code, told = await close_reason(websocket)
    assert code == CLOSE_UNAUTHORIZED
    assert reason in told
    assert agent.media.calls == []


async def test_replica_that_means_another_node_is_told_so() -> None:
    async with local_agent() as agent, raw(agent) as websocket:
        await websocket.send(Hello(replica="r", node="n_other", nonce=new_nonce()).model_dump_json())
        assert await close_reason(websocket) == (CLOSE_UNAUTHORIZED, "this is another node")


async def test_stranger_who_stays_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HANDSHAKE_TIMEOUT", 0.2)
    async with local_agent() as agent, raw(agent) as websocket:
        code, reason = await close_reason(websocket)
    assert code == CLOSE_UNAUTHORIZED
    assert "too long" in reason


async def test_web_page_can_not_reach_the_agent_of_the_machine_that_shows_it() -> None:
    async with local_agent() as agent:
        with pytest.raises(InvalidStatus):
            await connect(agent.url, subprotocols=[SUBPROTOCOL], origin=Origin("https://evil.example"), proxy=None)


async def test_other_paths_are_not_served() -> None:
    async with local_agent() as agent:
        with pytest.raises(InvalidStatus) as refused:
            await connect(agent.url.replace("/rpc/v1", "/"), subprotocols=[SUBPROTOCOL], proxy=None)
        assert refused.value.response.status_code == 404


@pytest.mark.parametrize(
    ("frame", "number"),
    [
        (b"not json", None),
        (b"[]", None),
        (b"{}", None),
        (b"\xff\xfe", None),
        (b'{"id": 5}', 5),
        (b'{"id": 5, "method": "fly"}', 5),
        (b'{"id": 5, "method": "close"}', 5),
        (b'{"id": 5, "method": "publish", "params": {}}', 5),
        (b'{"id": 5, "method": "peers", "params": {"room": "x"}}', 5),
        (b'{"id": 5, "method": "close_room", "params": {"room": {"room": "a", "incarnation": "b"}}}', 5),
        (b'{"id": -1, "method": "load"}', -1),
    ],
)
async def test_malformed_frame_is_answered_with_an_error_and_the_connection_lives(
    frame: bytes, number: int | None
) -> None:
    async with local_agent() as agent, replica(agent) as websocket:
        await websocket.send(frame)
        told = await answer(websocket)
        assert told["id"] == number
        assert told["error"]["code"] == "bad_request"
        await websocket.send('{"id": 6, "method": "load"}')
        assert (await answer(websocket))["result"]["rooms"] == 0
        assert agent.media.calls == []


async def test_oversized_message_ends_its_connection_with_the_reason_and_no_other() -> None:
    async with local_agent() as agent, replica(agent) as polite:
        rude = await connect(agent.url, subprotocols=[SUBPROTOCOL], compression=None, proxy=None)
        await introduce(rude, agent, agent.control_key)
        await rude.send("x" * (MAX_MESSAGE + 1))
        assert (await close_reason(rude))[0] == 1009
        await polite.send('{"id": 1, "method": "load"}')
        assert (await answer(polite))["id"] == 1


async def test_error_of_the_adapter_that_nobody_foresaw_is_an_answer() -> None:
    async with local_agent() as agent, replica(agent) as websocket:
        agent.media.fails["open_room"] = RuntimeError("secret sdp")
        await websocket.send(
            '{"id": 1, "method": "open_room", "authority": {"fence": 1},'
            ' "params": {"room": {"room": "a", "incarnation": "b"}, "spec": {}}}'
        )
        told = await answer(websocket)
        assert told["error"]["code"] == "media_error"
        assert "secret" not in told["error"]["message"]


async def test_replica_that_does_not_read_loses_its_connection_and_nobody_waits_for_it() -> None:
    async with local_agent() as agent, raw(agent) as slow, replica(agent) as quick:
        await introduce(slow, agent, agent.control_key)
        for websocket in (slow, quick):
            number = 1 if websocket is slow else 2
            peer = ALICE.model_copy(update={"participant": f"p{number}"})
            call = {"id": 1, "method": "adopt", "authority": {"generation": 1}, "params": {"peer": peer.model_dump()}}
            await websocket.send(json.dumps(call))
        assert (await answer(quick))["error"]["code"] == "room_not_found"
        slow.transport.pause_reading()
        flood = TrackStopped(peer=ALICE.model_copy(update={"participant": "p1"}), track=TrackId("x" * 20_000))
        for _ in range(server.OUTBOX_LIMIT * 2):
            agent.service.happened(flood)
        agent.service.happened(TrackStopped(peer=ALICE.model_copy(update={"participant": "p2"}), track=TrackId("t")))
        assert (await answer(quick))["event"]["track"] == "t"
        slow.transport.resume_reading()
        with pytest.raises(ConnectionClosed):
            await read_on(slow)


async def test_death_of_the_sfu_is_told_before_the_connection_is_closed() -> None:
    async with local_agent() as agent, replica(agent) as websocket:
        agent.service.detach()
        agent.server.sfu_died("crashed")
        assert (await answer(websocket))["event"] == {"type": "sfu_died", "reason": "crashed"}
        assert await close_reason(websocket) == (CLOSE_SFU_DOWN, "sfu_down")
        async with raw(agent) as again:
            await introduce(again, agent, agent.control_key)
            assert await close_reason(again) == (CLOSE_SFU_DOWN, "sfu_down")


def open_ends() -> int:
    return len(asyncio.all_tasks()) + len(list(Path("/proc/self/fd").iterdir()))


async def test_hundred_connections_leave_no_task_and_no_descriptor() -> None:
    async with local_agent() as agent:
        async with replica(agent):
            pass
        before = open_ends()
        for number in range(100):
            async with replica(agent) as websocket:
                await websocket.send(encode_event(TrackStopped(peer=ALICE, track=TrackId("t"))))
                if number % 2:
                    websocket.transport.abort()
        async with asyncio.timeout(5):
            while open_ends() > before:  # noqa: ASYNC110 -- nothing announces the end of a task or descriptor
                await asyncio.sleep(0.01)
