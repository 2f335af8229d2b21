"""How Janus is run on this machine, unprivileged and reachable from loopback only, and how we connect to it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from websockets.exceptions import InvalidHandshake

from media_adapters.contract import MediaNode
from media_adapters.errors import NodeGone
from media_adapters.janus import home, installation, loopback
from media_adapters.janus.adapter import JanusNode
from media_adapters.janus.attaching import expect_usable
from media_adapters.janus.client import VIDEOROOM, JanusClient, JanusError, open_client
from media_adapters.janus.home import NOBODY, Access
from media_adapters.models import Capability, NodeDescription
from media_adapters.registry import BackendSettings, BackendUnavailable, SfuProcess

CONNECT_TIMEOUT = 10.0
CALL_DEADLINE = 5.0
CAPABILITIES = frozenset({Capability.SIMULCAST, Capability.SERVER_MUTE, Capability.ICE_RESTART, Capability.TAP})


class JanusBackend:
    """Options: `janus`, the executable; `janus_lib`, the folder with its `plugins/` and `transports/`. To attach:
    `api_secret_file` and `admin_key_file`, with what the running Janus asks for; left out where it asks for nothing.
    """

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

    def attach(self, settings: BackendSettings, url: str) -> AbstractAsyncContextManager[MediaNode]:
        return attached(url, settings.options)


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
        client = await _patiently(stack, access.url, access.api_secret)
        yield await _node(stack, client, access.admin_key, partial(home.pids, settings.run_dir))


@asynccontextmanager
async def attached(url: str, options: Mapping[str, str]) -> AsyncIterator[MediaNode]:
    """A Janus that somebody else runs, once it has shown that it can be used."""
    api_secret, admin_key = (_secret(options.get(name)) for name in ("api_secret_file", "admin_key_file"))
    async with AsyncExitStack() as stack:
        client = await _patiently(stack, url, api_secret)
        node = await _node(stack, client, admin_key, list)  # its processes are not ours to look for
        await expect_usable(client, admin_key)
        yield node


async def _node(stack: AsyncExitStack, client: JanusClient, admin_key: str, pids: Callable[[], list[int]]) -> JanusNode:
    node = JanusNode(
        client,
        await client.attach(lambda _message: None),
        admin_key=admin_key,
        description=_description(await client.info()),
        pids=pids,
        deadline=CALL_DEADLINE,
    )
    stack.push_async_callback(node.close)
    return node


def _secret(file: str | None) -> str:
    try:
        return Path(file).read_text().strip() if file else ""
    except OSError as error:
        raise BackendUnavailable(f"{file} can't be read: {error.strerror}.") from error


async def _patiently(stack: AsyncExitStack, url: str, api_secret: str) -> JanusClient:
    """Janus needs some tenths of a second until it listens."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            while True:
                try:
                    return await stack.enter_async_context(open_client(url, api_secret))
                except (OSError, InvalidHandshake):
                    await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise NodeGone(f"Janus did not answer within {CONNECT_TIMEOUT:.0f} s.") from error
    except JanusError as error:
        raise NodeGone(
            f"Janus refuses the adapter (code {error.code}): is this the right Janus, and the right api_secret?"
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
