"""How Janus is run on this machine, unprivileged and reachable from loopback only, and how we connect to it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from websockets.exceptions import InvalidHandshake

from media_adapters.contract import MediaNode
from media_adapters.errors import NodeGone
from media_adapters.janus import home, installation, loopback
from media_adapters.janus.adapter import JanusNode
from media_adapters.janus.client import VIDEOROOM, JanusClient, JanusError, open_client
from media_adapters.janus.home import NOBODY, Access
from media_adapters.models import Capability, NodeDescription
from media_adapters.registry import BackendSettings, BackendUnavailable, SfuProcess

CONNECT_TIMEOUT = 10.0
CALL_DEADLINE = 5.0
CAPABILITIES = frozenset({Capability.SIMULCAST, Capability.SERVER_MUTE, Capability.ICE_RESTART, Capability.TAP})


class JanusBackend:
    """Options: `janus`, the executable; `janus_lib`, the folder with its `plugins/` and `transports/`."""

    name = "janus"

    def prepare(self, settings: BackendSettings) -> SfuProcess:
        found = installation.find(settings.options)
        preload = loopback.library() if loopback.is_loopback(settings.media_address) else None
        access = Access.fresh()
        where = home.furnish(settings, found, access, preload)
        access.save(settings.run_dir)
        return SfuProcess(argv=_command(where, found.executable, preload=preload is not None))

    def connect(self, settings: BackendSettings) -> AbstractAsyncContextManager[MediaNode]:
        return _connected(settings)


def _command(where: Path, janus: Path, *, preload: bool) -> list[str]:
    """`env` changes into Janus's folder; `setpriv` drops root and keeps the parent-death signal, which a change of
    user would clear."""
    command = ["env", f"--chdir={where}"]
    if preload:
        command.append("LD_PRELOAD=./loopback.so")
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            raise BackendUnavailable("Run as root, Janus needs `setpriv` (Debian: `apt-get install util-linux`).")
        user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        command += ["setpriv", *user, "--no-new-privs", "--pdeathsig=keep"]
    return [*command, str(janus), "-F", "config"]


@asynccontextmanager
async def _connected(settings: BackendSettings) -> AsyncIterator[MediaNode]:
    access = Access.load(settings.run_dir)
    async with AsyncExitStack() as stack:
        client = await _patiently(stack, access)
        node = JanusNode(
            client,
            await client.attach(lambda _message: None),
            admin_key=access.admin_key,
            description=_description(await client.info()),
            pids=partial(home.pids, settings.run_dir),
            deadline=CALL_DEADLINE,
        )
        stack.push_async_callback(node.close)
        yield node


async def _patiently(stack: AsyncExitStack, access: Access) -> JanusClient:
    """Janus needs some tenths of a second until it listens."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            while True:
                try:
                    return await stack.enter_async_context(open_client(access.url, access.api_secret))
                except (OSError, InvalidHandshake):
                    await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise NodeGone(f"Janus did not answer within {CONNECT_TIMEOUT:.0f} s of its start.") from error
    except JanusError as error:
        raise NodeGone(
            f"Janus refuses the adapter (code {error.code}): is this the Janus that was prepared?"
        ) from error


def _description(info: Mapping[str, Any]) -> NodeDescription:
    if VIDEOROOM not in info.get("plugins", {}):
        raise BackendUnavailable("Janus runs without its VideoRoom plugin: its output says why it did not load.")
    version = info.get("version_string", "0")
    return NodeDescription(
        backend="janus",
        version=version,
        capabilities=CAPABILITIES,
        warnings=installation.warnings_about(version),
    )
