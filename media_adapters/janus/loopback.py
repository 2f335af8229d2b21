"""The library that lets Janus offer loopback addresses, compiled when it is first needed."""

import hashlib
import ipaddress
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from media_adapters.registry import BackendUnavailable

SOURCE = Path(__file__).parent / "config/loopback.c"


def is_loopback(address: str | None) -> bool:
    """Raises `BackendUnavailable` when it is not an IP address: Janus would take it for an interface's name."""
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError as error:
        raise BackendUnavailable(f"media_address must be an IP address, not {address!r}.") from error


def library() -> Path:
    """The compiled library, from the cache when it is there. Raises `BackendUnavailable` without a C compiler."""
    source = SOURCE.read_bytes()
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nexusvibe/janus"
    target = folder / f"loopback-{hashlib.sha256(source).hexdigest()[:16]}.so"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _compile(target)
    return target


def _compile(target: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise BackendUnavailable(
            "media_address 127.0.0.1 needs a C compiler once, because Janus skips loopback interfaces: "
            "install one (Debian: `apt-get install gcc libc6-dev`) or give another address."
        )
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        built = Path(folder) / target.name
        command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(built), str(SOURCE), "-ldl"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if run.returncode != 0:
            raise BackendUnavailable(f"The loopback library can't be compiled: {run.stderr.strip()[-500:]}")
        built.replace(target)  # whole or not at all, should two start at once
