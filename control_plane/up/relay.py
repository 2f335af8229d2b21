"""`nexusvibe turn run`: a coturn on this machine, kept running and kept current.

New secrets reach it through its database and a new certificate through a signal, neither with a restart: that would
cut every call that it relays.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from control_plane.turn import coturn
from control_plane.turn.coturn import Control, RelaySettings
from control_plane.turn.secrets import SecretsFile
from control_plane.up.child import Child, Program
from control_plane.up.errors import CannotStart
from control_plane.up.output import Printer
from control_plane.up.reporter import Reporter

GRACE_S = 2.0
LOOK_S = 1.0
_NOBODY = 65534


@dataclass(frozen=True)
class Relay:
    """`report_to` is the control plane's address, under which this relay calls itself `name`; without one nobody hears
    what it relays, and nobody can have it end anything."""

    settings: RelaySettings
    secrets: Path
    report_to: str | None = None
    name: str = "relay"


def run(relay: Relay) -> int:
    """Run until SIGINT or SIGTERM. Raises `CannotStart`, `SecretsUnusable`."""
    return asyncio.run(_until_stopped(relay, Printer()))


async def _until_stopped(relay: Relay, printer: Printer) -> int:
    running = asyncio.create_task(_run(relay, printer))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running
    return 0


async def _run(relay: Relay, printer: Printer) -> None:
    """Ends only by cancellation, or with `CannotStart`."""
    if shutil.which("turnserver") is None:
        raise CannotStart("coturn is not installed here (Debian: `apt-get install coturn`).")
    secrets = SecretsFile(relay.secrets)
    await _expect_readable(relay.settings)
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nexusvibe-turn-")))
        control = None
        if relay.report_to is not None:
            control = await stack.enter_async_context(Reporter.running(relay.report_to, relay.name, secrets, printer))
        _furnish(folder, relay.settings, secrets, control)
        turnserver = await stack.enter_async_context(Child(_program(folder), printer, failed))
        turnserver.settle()
        await asyncio.wait(
            {failed, asyncio.create_task(_keep_current(folder, relay.settings, secrets, turnserver, printer))},
            return_when=asyncio.FIRST_COMPLETED,
        )
        failed.result()


def _furnish(folder: Path, settings: RelaySettings, secrets: SecretsFile, control: Control | None) -> None:
    (folder / "turnserver.conf").write_text(coturn.configuration(settings, folder, control))
    coturn.share_secrets(folder, settings.realm, [secret.value for secret in secrets.known()])
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, _NOBODY, _NOBODY)


async def _expect_readable(settings: RelaySettings) -> None:
    """Raises `CannotStart` for a certificate that the relay could not read."""
    for path in (settings.certificate, settings.private_key):
        if path is None:
            continue
        asking = await asyncio.create_subprocess_exec(*_unprivileged("test", "-r", str(path)))
        if await asking.wait() != 0:
            raise CannotStart(f"{path} can't be read by the relay, which runs as an ordinary user (`nobody` for root).")


def _program(folder: Path) -> Program:
    command = _unprivileged("turnserver", "-c", str(folder / "turnserver.conf"))
    return Program("turn", command, folder, {}, grace=GRACE_S)


def _unprivileged(*command: str) -> tuple[str, ...]:
    if os.geteuid() != 0:
        return command
    # A change of user would clear the parent-death signal.
    user = (f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--no-new-privs", "--pdeathsig=keep")
    return ("setpriv", *user, *command)


async def _keep_current(
    folder: Path, settings: RelaySettings, secrets: SecretsFile, turnserver: Child, printer: Printer
) -> None:
    shared, certificate = secrets.known(), _stamps(settings)
    while True:
        await asyncio.sleep(LOOK_S)
        if (known := secrets.known()) != shared:
            await asyncio.to_thread(coturn.share_secrets, folder, settings.realm, [secret.value for secret in known])
            shared = known
            printer.line("turn", "the secrets were rotated")
        if (stamps := _stamps(settings)) != certificate:
            turnserver.signal(signal.SIGUSR2)
            certificate = stamps
            printer.line("turn", "the certificate was read again")


def _stamps(settings: RelaySettings) -> Sequence[int]:
    """What changes when the certificate or its key does; a file that is just being replaced keeps its 0."""
    stamps = []
    for path in (settings.certificate, settings.private_key):
        try:
            stamps.append(path.stat().st_mtime_ns if path else 0)
        except OSError:
            stamps.append(0)
    return stamps
