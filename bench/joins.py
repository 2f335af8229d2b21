"""What a join costs a replica: a websocket, a verified token, a place in a room, a snapshot, and the leave.

The replica runs in this process beside its clients, whose cost is measured apart: the same clients against a bare
websocket server that answers each message with one of the same size.
"""

import asyncio
import json
import time

from aiohttp import web

from bench.table import ROUNDS, Row, cpu_seconds
from control_plane.signaling.messages import (
    SUBPROTOCOL,
    JoinedResult,
    Participant,
    Permissions,
    Placement,
    RoomSnapshot,
)
from media_adapters.models import TrackSource
from tests.support.client import connected
from tests.support.inprocess import LocalReplica, local_node, local_replica
from tests.support.redis import RedisTarget, running_redis

JOINS = 300
AT_ONCE = 20
ROOM_OF = 4


async def measure() -> list[Row]:
    bare = await _bare()
    async with running_redis() as server:
        target = RedisTarget(server.url, cluster=False)
        async with local_node(target, "n1"), local_replica(target, "here", nodes=("n1",)) as replica:
            full = [await _round(replica.ws_url, replica, str(number)) for number in range(ROUNDS)]
    return [
        Row(f"joins and leaves, {AT_ONCE} at once, rooms of {ROOM_OF}, clients included", "/s", [r for r, _ in full]),
        Row("CPU of replica and clients", "ms each", [cost for _, cost in full]),
        Row("CPU of the clients and a bare websocket server", "ms each", [cost for _, cost in bare]),
    ]


async def _round(url: str, replica: LocalReplica | None, name: str) -> tuple[float, float]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with gate, connected(url) as client:
            token = replica.token(f"room{name}-{number // ROOM_OF}") if replica else "token"
            await client.join(token, name="somebody")
            await client.asks("leave")

    began, cpu = time.perf_counter(), cpu_seconds()
    await asyncio.gather(*(one(number) for number in range(JOINS)))
    return JOINS / (time.perf_counter() - began), (cpu_seconds() - cpu) / JOINS * 1e3


async def _bare() -> list[tuple[float, float]]:
    """A server that knows one answer of the size of a `joined`."""
    joined, done = _joined().model_dump(mode="json", exclude_none=True), {"type": "done"}

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,))
        await socket.prepare(request)
        async for message in socket:
            asked = json.loads(message.data)
            result = joined if asked["type"] == "join" else done
            await socket.send_str(json.dumps({"type": "reply", "id": asked["id"], "result": result}))
        return socket

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
        return [await _round(url, None, str(number)) for number in range(ROUNDS)]
    finally:
        await runner.cleanup()


def _joined() -> JoinedResult:
    permissions = Permissions(publish=tuple(TrackSource), subscribe=True, chat=True, moderate=False, hidden=False)
    person = Participant(
        id="p_0123456789abcdef",
        identity="guest_0123456789abcdef",
        name="somebody",
        joined_at=1,
        permissions=permissions,
    )
    room = RoomSnapshot(
        room="room0-0",
        incarnation="i_0123456789abcdef",
        version=2,
        participants=(person,) * ROOM_OF,
        tracks=(),
        chat=(),
    )
    return JoinedResult(
        participant=person, snapshot=room, placement=Placement(epoch=1, topology="sfu"), resume="x" * 80
    )
