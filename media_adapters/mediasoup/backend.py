"""How mediasoup is run on this machine, and how we connect to it."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from media_adapters.contract import MediaNode
from media_adapters.errors import NodeGone
from media_adapters.mediasoup import home, installation
from media_adapters.mediasoup.adapter import MediasoupNode
from media_adapters.mediasoup.bridge_client import BridgeClient, open_bridge
from media_adapters.mediasoup.protocol import Description
from media_adapters.models import Capability, NodeDescription
from media_adapters.registry import BackendSettings, BackendUnavailable, SfuProcess

CONNECT_TIMEOUT = 10.0
CALL_DEADLINE = 5.0
CAPABILITIES = frozenset(Capability)


class MediasoupBackend:
    """Options: `node` and `worker`, executables; `workers`, how many (one per core unless told);
    `consumers_per_router`, after how many a room spreads to another worker.
    """

    name = "mediasoup"

    def prepare(self, settings: BackendSettings) -> SfuProcess:
        _check_address(settings.media_address)
        found = installation.find(settings.options)
        file = home.furnish(settings, found)
        # What Node says of a feature that is stable enough for us would be the last words of every bridge.
        return SfuProcess(argv=[str(found.node), "--disable-warning=ExperimentalWarning", str(found.bridge), str(file)])

    def connect(self, settings: BackendSettings) -> AbstractAsyncContextManager[MediaNode]:
        return _connected(settings)


def _check_address(address: str | None) -> None:
    try:
        if address is not None:
            ipaddress.ip_address(address)
    except ValueError as error:
        raise BackendUnavailable(f"media_address must be an IP address, not {address!r}.") from error


@asynccontextmanager
async def _connected(settings: BackendSettings) -> AsyncIterator[MediaNode]:
    async with AsyncExitStack() as stack:
        bridge = await _patiently(stack, settings)
        node = MediasoupNode(bridge, description=await _description(bridge), deadline=CALL_DEADLINE)
        stack.push_async_callback(node.close)
        await node.load()  # what it used until now, starting, is nobody's load
        yield node


async def _patiently(stack: AsyncExitStack, settings: BackendSettings) -> BridgeClient:
    """The bridge listens once its workers do, which takes some tenths of a second."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            while True:
                try:
                    return await stack.enter_async_context(open_bridge(home.socket(settings.run_dir)))
                except (FileNotFoundError, ConnectionRefusedError):
                    await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise NodeGone(f"mediasoup's bridge did not answer within {CONNECT_TIMEOUT:.0f} s of its start.") from error


async def _description(bridge: BridgeClient) -> NodeDescription:
    told = await bridge.ask(Description, "describe")
    return NodeDescription(backend="mediasoup", version=told.version, capabilities=CAPABILITIES)
