"""The folder from which the bridge and its workers run: settings, socket, and how a worker is started."""

import json
import os
import shutil
from pathlib import Path

from media_adapters.mediasoup.installation import Installation
from media_adapters.registry import BackendSettings, BackendUnavailable

NOBODY = 65534
CONSUMERS_PER_ROUTER = 300

_START_WORKER = """\
#!/bin/sh
# A worker dies with the bridge, however that ends, and reads what strangers send as nobody.
cd "${{0%/*}}" && exec {setpriv} {user} --no-new-privs --pdeathsig KILL ./mediasoup-worker "$@"
"""


def folder(run_dir: Path) -> Path:
    return run_dir / "mediasoup"


def socket(run_dir: Path) -> Path:
    return folder(run_dir) / "bridge.sock"


def furnish(settings: BackendSettings, found: Installation) -> Path:
    """Make the folder anew. The settings' file."""
    home = folder(settings.run_dir)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700, parents=True)
    _furnish_worker(home / "worker", found)
    file = home / "settings.json"
    file.write_text(
        json.dumps(
            {
                "socket": socket(settings.run_dir).name,
                "worker": "worker/start",
                "workers": _number(settings, "workers", 0),
                "media_address": settings.media_address,
                "rtp_ports": settings.rtp_ports,
                "consumers_per_router": _number(settings, "consumers_per_router", CONSUMERS_PER_ROUTER),
            }
        )
    )
    return file


def _furnish_worker(where: Path, found: Installation) -> None:
    """A copy of the worker, because `nobody` may not read where it was installed."""
    where.mkdir(mode=0o711)
    shutil.copyfile(found.worker, where / "mediasoup-worker")
    (where / "mediasoup-worker").chmod(0o755)
    user = f"--reuid={NOBODY} --regid={NOBODY} --clear-groups" if os.geteuid() == 0 else ""
    (where / "start").write_text(_START_WORKER.format(setpriv=found.setpriv, user=user))
    (where / "start").chmod(0o755)


def _number(settings: BackendSettings, option: str, otherwise: int) -> int:
    value = settings.options.get(option, str(otherwise))
    if not value.isdecimal():
        raise BackendUnavailable(f"The option {option} is a number, not {value!r}.")
    return int(value)
