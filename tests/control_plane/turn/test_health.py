"""A TURN server that answers nothing is given to nobody, until it answers again."""

import asyncio
import json
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from control_plane.turn.health import TurnHealth
from control_plane.turn.models import TurnServer
from control_plane.turn.policy import choose
from tests.support.processes import running_process
from tests.support.turn import RunningRelay, running_relay


def given(servers: tuple[TurnServer, ...], health: TurnHealth) -> set[str]:
    return {choice.server.id for choice in choose(servers, health.usable, "anybody", None)}


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 -- the probes tell only the log
            await asyncio.sleep(0.05)


def silent() -> socket.socket:
    """Takes what comes to a port, and answers nothing."""
    deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    deaf.bind(("127.0.0.1", 0))
    return deaf


async def test_a_server_that_answers_nothing_is_taken_out_and_comes_back(tmp_path: Path) -> None:
    with silent() as deaf:
        port = deaf.getsockname()[1]
        mute = TurnServer(id="mute", host="127.0.0.1", udp=port)
        async with AsyncExitStack() as stack:
            relay = await stack.enter_async_context(running_relay(tmp_path))
            servers = (relay.server, mute)
            health = await stack.enter_async_context(TurnHealth.watch(servers, relay.credential, interval=0.1))
            assert given(servers, health) == {"test", "mute"}
            await until(lambda: given(servers, health) == {"test"})
            assert await told_by_check(relay, mute) == {"test": "relays", "mute": "timeout"}
            deaf.close()
            await stack.enter_async_context(running_relay(tmp_path, port=port))
            await until(lambda: given(servers, health) == {"test", "mute"})


async def told_by_check(relay: RunningRelay, mute: TurnServer) -> dict[str, str]:
    """What `nexusvibe turn check` says of each server, over UDP."""
    servers = [server.model_dump(exclude={"tcp", "tls"}) for server in (relay.server, mute)]
    env = {"NEXUSVIBE_TURN_SERVERS": json.dumps(servers), "NEXUSVIBE_TURN_SECRETS": str(relay.secrets)}
    argv = (sys.executable, "-m", "control_plane", "turn", "check", "--json")
    async with running_process("check", *argv, cwd=Path.cwd(), env=env) as check:
        assert await check.ended(60) == 1
        rows = json.loads("\n".join(await check.says_no_more()))
    return {row["server"]: row["result"] for row in rows}
