import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from media_adapters.agent.heartbeat import Heartbeats
from media_adapters.errors import NodeGone
from media_adapters.models import NodeId, NodeLoad
from media_adapters.wire import HEARTBEAT_PATH, Heartbeat, new_private_key, private_key, public_text, verify_heartbeat
from tests.support.ports import reserved_port
from tests.support.recorder import DESCRIPTION

NODE = NodeId("n_1")
KEY = private_key(new_private_key())
INTERVAL = 0.05


@dataclass
class ControlPlane:
    """Believes heartbeats as the real one does, unless it is told to answer something else."""

    url: str = ""
    status: int = 204
    heard: asyncio.Queue[Heartbeat] = field(default_factory=asyncio.Queue)

    async def hear(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.heard.put_nowait(verify_heartbeat(body, request.headers["Authorization"], {NODE: public_text(KEY)}))
        return web.Response(status=self.status)

    async def next(self) -> Heartbeat:
        return await asyncio.wait_for(self.heard.get(), 10)


@asynccontextmanager
async def control_plane() -> AsyncIterator[ControlPlane]:
    control = ControlPlane()
    app = web.Application()
    app.router.add_post(HEARTBEAT_PATH, control.hear)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    control.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield control
    finally:
        await runner.cleanup()


class Sfu:
    def __init__(self) -> None:
        self.down = False

    async def load(self) -> NodeLoad:
        if self.down:
            raise NodeGone("down")
        return NodeLoad(rooms=2, peers=4, streams=9, cpu=0.5)


@asynccontextmanager
async def beating(
    *urls: str, sfu: Sfu | None = None, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[asyncio.Task[None]]:
    heartbeats = Heartbeats(
        node=NODE,
        url="ws://127.0.0.1:7800/rpc/v1",
        region="north",
        capacity=100,
        key=KEY,
        control_urls=urls,
        interval=INTERVAL,
        load=(sfu or Sfu()).load,
        pause=pause,
    )
    heartbeats.sfu_up(DESCRIPTION)
    task = asyncio.create_task(heartbeats.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_node_tells_what_it_is_and_what_it_carries_again_and_again() -> None:
    async with control_plane() as control, beating(control.url):
        first, second = await control.next(), await control.next()
    assert (first.node, first.region, first.capacity, first.state) == (NODE, "north", 100, "up")
    assert (first.backend, first.version, first.warnings) == ("recorder", "1", DESCRIPTION.warnings)
    assert first.load == NodeLoad(rooms=2, peers=4, streams=9, cpu=0.5)
    assert second.sequence > first.sequence
    assert second.started_at == first.started_at


async def test_sequence_grows_across_restarts_of_the_agent() -> None:
    async with control_plane() as control:
        async with beating(control.url):
            for _ in range(3):
                before = await control.next()
        async with beating(control.url):
            after = await control.next()
    assert after.sequence > before.sequence


async def test_node_whose_sfu_is_down_says_so() -> None:
    sfu = Sfu()
    async with control_plane() as control, beating(control.url, sfu=sfu):
        assert (await control.next()).state == "up"
        sfu.down = True
        while (told := await control.next()).state == "up":
            pass
    assert (told.state, told.load) == ("sfu_down", NodeLoad())


async def test_other_address_has_its_turn_when_one_is_gone_or_refuses() -> None:
    nobody = f"http://127.0.0.1:{reserved_port()}"
    async with control_plane() as refusing, control_plane() as control:
        refusing.status = 503
        async with beating(nobody, refusing.url, control.url) as task:
            await refusing.next()
            await control.next()
            await control.next()
            assert not task.done()
        assert refusing.heard.empty()


async def test_control_plane_that_comes_back_hears_the_node_as_often_as_before() -> None:
    pauses = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async with control_plane() as control:
        control.status = 500
        async with beating(control.url, pause=pause):
            for _ in range(4):
                await control.next()
            control.status = 204
            while len(pauses) < 4 or pauses[-1] > INTERVAL:
                await control.next()
    assert pauses[:4] == [INTERVAL, 2 * INTERVAL, 4 * INTERVAL, 8 * INTERVAL]
