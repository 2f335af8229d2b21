"""Start the parts in order, tell the link, wait, stop them in the opposite order."""

import asyncio
import errno
import os
import signal
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp

from control_plane.access.tokens import Grants, RoomTokens
from control_plane.database import Database, DatabaseUnreachable, upgrade
from control_plane.up import programs
from control_plane.up.child import Child
from control_plane.up.errors import CannotStart
from control_plane.up.keys import load_or_make_keys
from control_plane.up.options import UpOptions
from control_plane.up.output import Printer
from control_plane.up.programs import Layout

DEMO_ROOM = "demo"
DEMO_TTL = 30 * 24 * 3600
START_TIMEOUT = 30.0
_POLL = 0.1


def run(options: UpOptions) -> int:
    """Run until SIGINT or SIGTERM. Raises `CannotStart` when something can't, after all else was stopped again."""
    return asyncio.run(_until_stopped(options, Printer()))


async def _until_stopped(options: UpOptions, printer: Printer) -> int:
    loop = asyncio.get_running_loop()
    system = asyncio.create_task(_run_system(options, printer))
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            printer.note("stopping")
            system.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await system
    return 0


async def _run_system(options: UpOptions, printer: Printer) -> None:
    """Everything from the first check to the last child's end; ends only by cancellation or with `CannotStart`."""
    if not (options.web_root / "index.html").is_file():
        raise CannotStart(f"The page is not built ({options.web_root} has no index.html): `make up` builds it.")
    keys = load_or_make_keys(options.data_dir)
    port = _free_port(options.port)
    await _migrate(options.database_url)
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nexusvibe-", ignore_cleanup_errors=True))
        layout = Layout(_open_to_pass_through(Path(folder)), keys, port, options.web_root, options.database_url)
        redis = await stack.enter_async_context(Child(programs.redis(layout), printer, failed))
        await _ready(lambda: _redis_lacks(layout.redis_socket), failed)
        redis.settle()
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)))
        node = await stack.enter_async_context(Child(programs.node(layout, options.sfu), printer, failed))
        replica = await stack.enter_async_context(Child(programs.replica(layout), printer, failed))
        await _ready(lambda: _replica_lacks(session, layout.url), failed)
        node.settle()
        replica.settle()
        _tell(options, layout, printer)
        await failed


async def _migrate(url: str) -> None:
    """Make the database what this version needs. Raises `CannotStart`."""
    try:
        async with Database.connect(url) as database:
            await upgrade(database)
    except DatabaseUnreachable as error:
        raise CannotStart(str(error)) from error


async def _ready(probe: Callable[[], Awaitable[str]], failed: asyncio.Future[None]) -> None:
    """Ask `probe` until it names nothing that is missing.

    Raises what `failed` gets meanwhile, or after 30 s `CannotStart` with what was missing last.
    """
    missing = ""

    async def poll() -> None:
        nonlocal missing
        while missing := await probe():  # noqa: ASYNC110 -- another process has no event to wait for
            await asyncio.sleep(_POLL)

    polling = asyncio.create_task(poll())
    try:
        done, _ = await asyncio.wait({polling, failed}, timeout=START_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
    finally:
        polling.cancel()
    if not done:
        raise CannotStart(f"after {START_TIMEOUT:g} s there is still no {missing}; the lines above say more.")
    for finished in done:
        finished.result()


async def _redis_lacks(path: Path) -> str:
    try:
        reader, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return "answer from Redis"
    try:
        writer.write(b"PING\r\n")
        return "" if await reader.readline() == b"+PONG\r\n" else "answer from Redis"
    finally:
        writer.close()


async def _replica_lacks(session: aiohttp.ClientSession, url: str) -> str:
    """What `/readyz` still waits for, such as `node`."""
    try:
        async with session.get(f"{url}/readyz") as response:
            if response.status == 200:
                return ""
            needs: dict[str, bool] = await response.json()
            return " and no ".join(
                name.replace("_", " ") for name, there in needs.items() if there is False and name != "ready"
            )
    except (aiohttp.ClientError, TimeoutError):
        return "answer from the replica"


def _tell(options: UpOptions, layout: Layout, printer: Printer) -> None:
    token = RoomTokens(layout.keys.token_secret).mint(Grants(room=DEMO_ROOM), DEMO_TTL)
    url = f"http://localhost:{layout.port}/#token={token}"
    if not programs.has_network():
        printer.note("no network here but loopback: Chromium needs --allow-loopback-in-peer-connection for media")
    printer.link(url)
    if (
        options.open_browser
        and sys.stdout.isatty()
        and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    ):
        webbrowser.open(url)


def _free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, or any free port for 0. Raises `CannotStart`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            why = "is taken" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
            raise CannotStart(
                f"port {wanted} {why}. Choose another with --port, as in `make up PORT={wanted + 1}`."
            ) from error
        port: int = probe.getsockname()[1]
        return port


def _open_to_pass_through(folder: Path) -> Path:
    """As root the media server runs as another user: it may pass through to its own folder, but not look around."""
    if os.geteuid() == 0:
        folder.chmod(0o711)
    return folder
