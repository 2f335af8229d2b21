"""A relay and the control plane: traffic is told and counted once, and who is sent away relays no more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from control_plane.clock import SystemClock
from control_plane.ids import Incarnation, ParticipantId, RoomId
from control_plane.state import Redis
from control_plane.turn.credentials import OpaqueIds
from control_plane.turn.cuts import TurnCuts
from control_plane.turn.models import TurnServer, TurnTransport
from control_plane.turn.probe import probe
from control_plane.turn.relay_routes import RelayReportRoute
from control_plane.turn.reports import REPORT_PATH, Report, sign
from control_plane.turn.secrets import SecretsFile
from control_plane.turn.service import TurnRelays
from control_plane.turn.usage import Traffic, TurnUsage
from media_adapters.models import RoomRef
from tests.support.ports import reserved_port
from tests.support.turn import RunningRelay, TurnClient, running_relay, share_a_secret

PACKETS, SIZE = 20, 1000
ROOM = RoomRef(room=RoomId("wedding"), incarnation=Incarnation("i_1"))
ANN, BOB = ParticipantId("p_ann"), ParticipantId("p_bob")


@dataclass
class ControlPlane:
    """What a relay sees of one. Of the first `lost` batches it counts the answer gets lost."""

    relays: TurnRelays
    usage: TurnUsage
    cuts: TurnCuts
    route: RelayReportRoute
    lost: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def relayed(self) -> list[Traffic]:
        return await self.usage.of(self.relays.opaque.room(ROOM.room), SystemClock().now())

    async def counted(self) -> Traffic:
        """What the room relayed, once there is something; looked at after every report."""
        async with asyncio.timeout(60), self.news:
            while not (found := await self.relayed()):
                await self.news.wait()
        (traffic,) = found
        return traffic

    async def next_report(self) -> None:
        async with asyncio.timeout(60), self.news:
            await self.news.wait()

    @web.middleware
    async def losing(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        before = dict(self.route.relayed)
        response = await handler(request)
        if self.lost and self.route.relayed != before:
            self.lost -= 1
            response = web.Response(status=502)
        async with self.news:
            self.news.notify_all()
        return response

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        app = web.Application(middlewares=[self.losing])
        self.route.mount(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield
        finally:
            await runner.cleanup()


@pytest.fixture
async def redis(shared_redis: str) -> AsyncIterator[Redis]:
    """One kind of Redis is enough here: `turn/test_usage.py` runs on both."""
    async with Redis.connect(shared_redis) as redis:
        await redis.execute("FLUSHALL")
        yield redis


@pytest.fixture
def control_plane(tmp_path: Path, redis: Redis) -> ControlPlane:
    share_a_secret(tmp_path / "turn-secrets")
    server = TurnServer(id="t1", host="127.0.0.1", udp=3478)
    relays = TurnRelays(
        (server,), SecretsFile(tmp_path / "turn-secrets"), OpaqueIds("k" * 32), ttl=60, clock=SystemClock()
    )
    usage, cuts = TurnUsage(redis), TurnCuts(redis, relays)
    return ControlPlane(relays, usage, cuts, RelayReportRoute(relays, usage, cuts, SystemClock()))


def reporting(folder: Path, port: int) -> tuple[Path, str, str, str, str]:
    return folder, "--report-to", f"http://127.0.0.1:{port}", "--name", "eu1"


async def relay_something(control_plane: ControlPlane, relay: RunningRelay) -> None:
    """Somebody of the room sends packets to a peer, and leaves."""
    credential = relay.credential(control_plane.relays.opaque.of(ROOM, ANN))
    async with TurnClient.allocate(relay.server, credential) as ann:
        for _ in range(PACKETS):
            await ann.sends(bytes(SIZE), ("127.0.0.1", 9))
        assert await ann.refreshes() is None


async def test_what_a_room_relayed_is_counted_once_also_when_an_answer_gets_lost(
    tmp_path: Path, control_plane: ControlPlane
) -> None:
    port = reserved_port()
    control_plane.lost = 1
    async with control_plane.listening(port), running_relay(*reporting(tmp_path, port)) as relay:
        await relay_something(control_plane, relay)
        first = await control_plane.counted()
        assert first.received >= PACKETS * SIZE
        await relay.process.says("the control plane takes reports again")
        await control_plane.next_report()
        assert await control_plane.relayed() == [first]


async def test_traffic_waits_while_the_control_plane_is_away_and_relays_go_on(
    tmp_path: Path, control_plane: ControlPlane
) -> None:
    port = reserved_port()
    async with running_relay(*reporting(tmp_path, port)) as relay:
        await relay.process.says("the control plane does not take reports")
        await relay_something(control_plane, relay)
        async with control_plane.listening(port):
            await relay.process.says("the control plane takes reports again")
            await control_plane.counted()


async def test_who_is_sent_away_relays_no_more_and_the_others_go_on(
    tmp_path: Path, control_plane: ControlPlane
) -> None:
    port = reserved_port()
    async with control_plane.listening(port), running_relay(*reporting(tmp_path, port)) as relay:
        of_ann, of_bob = (relay.credential(control_plane.relays.opaque.of(ROOM, person)) for person in (ANN, BOB))
        async with TurnClient.allocate(relay.server, of_ann) as ann, TurnClient.allocate(relay.server, of_bob) as bob:
            control_plane.cuts.cut(ROOM, ANN)
            await relay.process.says("cut 1 of people")
            await ann.is_ended()
            assert await bob.refreshes() is None
        async with TurnClient.allocate(relay.server, of_ann) as again:
            await again.is_ended()
            assert await probe(relay.server, TurnTransport.UDP, of_bob) is None


async def test_strangers_report_nothing_and_learn_nothing(control_plane: ControlPlane) -> None:
    port = reserved_port()
    body, _ = sign(Report(relay="eu1", run="0" * 16, time_ms=1), control_plane.relays.secrets(), 1)
    async with control_plane.listening(port), aiohttp.ClientSession() as http:
        for authorization in ("", "NexusVibe-Relay 00"):
            async with http.post(
                f"http://127.0.0.1:{port}{REPORT_PATH}", data=body, headers={"Authorization": authorization}
            ) as answer:
                assert answer.status == 401
                assert (await answer.json())["code"] == "invalid_report"
