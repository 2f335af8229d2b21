"""What is put under load: NexusVibe with an SFU, and that SFU alone, on loopback and as separate processes."""

import os
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.sfu_clients import ROOM
from media_adapters.agent.process import death_pact
from media_adapters.janus.client import open_client
from tests.support.janus import running_janus
from tests.support.replica import System, running_system

BRIDGE = Path(__file__).parents[1] / "media_adapters/mediasoup/bridge"
MOST_VIEWERS, MOST_CAMERAS, MOST_PEOPLE = 64, 16, 64
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class UnderLoad:
    """`kind` and `address` are for the generators. `sfu` and `rest`: pids of what forwards and of all else, of which
    `node` are beside the SFU: the agent, and what it needs to command it."""

    kind: str
    address: Mapping[str, Any]
    sfu: Sequence[int]
    rest: Sequence[int]
    node: Sequence[int] = ()


def cpu(pids: Sequence[int]) -> float:
    """CPU seconds that these processes have used so far."""
    return sum(sum(map(int, _stat(pid)[11:13])) for pid in pids) / _TICKS


def memory(pids: Sequence[int]) -> int:
    """Resident bytes of these processes."""
    return sum(int(_stat(pid)[21]) for pid in pids) * _PAGE


def running(sfu: str, *, bare: bool) -> AbstractAsyncContextManager[UnderLoad]:
    """An SFU with NexusVibe around it, or bare."""
    return _BARE[sfu]() if bare else _nexusvibe(sfu)


@asynccontextmanager
async def _nexusvibe(sfu: str) -> AsyncIterator[UnderLoad]:
    async with running_system(sfu, spare=0) as system:
        agent = system.nodes[0].pid
        started = list(_descendants(agent))
        forwards = [pid for pid in started if _name(pid) in {"janus", "mediasoup-worke"}]  # names end at 15 letters
        node = [agent, *(pid for pid in started if pid not in forwards)]
        rest = [*node, *_control_plane(system)]
        yield UnderLoad("nexusvibe", nexusvibe_address(system), forwards, rest, node)


def nexusvibe_address(system: System) -> Mapping[str, Any]:
    """What the generators have to know of a system of ours."""
    replica = system.replicas[0]
    return {
        "url": replica.ws_url,
        "publishers": [replica.token(ROOM, f"camera{n}", subscribe=False) for n in range(MOST_CAMERAS)],
        "viewers": [replica.token(ROOM, f"viewer{n}", publish=[]) for n in range(MOST_VIEWERS)],
        "people": [replica.token(ROOM, f"listener{n}") for n in range(MOST_PEOPLE)],
    }


def _control_plane(system: System) -> list[int]:
    return [*(replica.process.pid for replica in system.replicas), system.redis.pid]


@asynccontextmanager
async def _bare_janus() -> AsyncIterator[UnderLoad]:
    """As our node configures it, and driven by its own API."""
    async with running_janus() as server:
        access = server.access
        async with open_client(access.url, access.api_secret) as client:
            handle = await client.attach(lambda _message: None)
            room = {"room": ROOM, "admin_key": access.admin_key, "publishers": MOST_CAMERAS, "videocodec": "vp8"}
            await handle.message({"request": "create", "bitrate": 0, **room})
            yield UnderLoad("janus", {"url": access.url, "secret": access.api_secret}, [server.process.pid], [])


@asynccontextmanager
async def _bare_mediasoup() -> AsyncIterator[UnderLoad]:
    """Its own library in a Node.js process, and one worker."""
    node = Path(__file__).parents[1] / "infra/setup/node"
    process = await create_subprocess_exec(
        *death_pact([str(node), str(Path(__file__).parent / "bare_mediasoup.mjs"), str(BRIDGE)]), stdout=PIPE
    )
    try:
        port = int(await process.stdout.readline()) if process.stdout else 0
        (worker,) = _descendants(process.pid)
        yield UnderLoad("mediasoup", {"port": port}, [worker], [process.pid])
    finally:
        process.kill()
        await process.wait()


_BARE = {"janus": _bare_janus, "mediasoup": _bare_mediasoup}


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            yield child
            yield from _descendants(child)


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat (proc(5)) from the third on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
