"""The folder that Janus lives in: its configuration, the two modules that it may load, its pid file.

Janus runs inside this folder and names everything relative to it, so that as an unprivileged user it needs no access to
the folders above. Nothing of /etc/janus is used: the packaged configuration has demo rooms and well-known secrets.
"""

import json
import os
import secrets
import shutil
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

from media_adapters.janus.client import SESSION_TIMEOUT
from media_adapters.janus.installation import Installation
from media_adapters.registry import BackendSettings, BackendUnavailable

TEMPLATES = Path(__file__).parent / "config"
NOBODY = 65534


@dataclass(frozen=True)
class Access:
    """Where this Janus listens on loopback, and its secrets. Kept in `run_dir`, for us only."""

    port: int
    admin_port: int
    api_secret: str
    admin_secret: str
    admin_key: str

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"ws://127.0.0.1:{self.admin_port}"

    @classmethod
    def fresh(cls) -> "Access":
        port, admin_port = _free_ports(2)
        return cls(port, admin_port, *(secrets.token_urlsafe(24) for _ in range(3)))

    @classmethod
    def load(cls, run_dir: Path) -> "Access":
        """Raises `BackendUnavailable` when nothing was prepared there."""
        try:
            return cls(**json.loads((run_dir / "access.json").read_text()))
        except FileNotFoundError as error:
            raise BackendUnavailable("Janus was not prepared in this run_dir: call prepare() first.") from error

    def save(self, run_dir: Path) -> None:
        _write(run_dir / "access.json", json.dumps(asdict(self)))


def folder(run_dir: Path) -> Path:
    return run_dir / "janus"


def pids(run_dir: Path) -> list[int]:
    """Janus's process, as it wrote it down; none before and after its life."""
    try:
        return [int((folder(run_dir) / "janus.pid").read_text())]
    except (OSError, ValueError):
        return []


def furnish(settings: BackendSettings, found: Installation, access: Access, preload: Path | None) -> Path:
    """Make the folder anew. When we are root it is given to `nobody`, as whom Janus will run."""
    home = folder(settings.run_dir)
    shutil.rmtree(home, ignore_errors=True)
    for name in ("config", "plugins", "transports", "none"):
        (home / name).mkdir(mode=0o700, parents=True)
    home.chmod(0o700)
    (home / "plugins" / found.videoroom.name).symlink_to(found.videoroom)
    (home / "transports" / found.websockets.name).symlink_to(found.websockets)
    if preload is not None:
        shutil.copyfile(preload, home / "loopback.so")
    values = asdict(access) | _addresses(settings.media_address)
    values |= {"session_timeout": SESSION_TIMEOUT, "rtp_ports": "{}-{}".format(*settings.rtp_ports)}
    for template in TEMPLATES.glob("*.jcfg"):
        _fill(template, home / "config" / template.name, values)
    if os.geteuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return home


def _addresses(address: str | None) -> dict[str, str]:
    """An address of this machine is offered alone, and no other is told; another one stands for ours behind a NAT."""
    if address is None:
        return {"general": "", "nat": ""}
    if _is_local(address):
        return {"general": f'\tinterface = "{address}"', "nat": f'\tice_enforce_list = "{address}"'}
    return {"general": "", "nat": f'\tnat_1_1_mapping = "{address}"'}


def _is_local(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _fill(template: Path, target: Path, values: Mapping[str, object]) -> None:
    _write(target, Template(template.read_text()).substitute(values))


def _write(path: Path, text: str) -> None:
    """For the owner's eyes only, from the first byte on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _free_ports(count: int) -> list[int]:
    """Held all at once, so that they differ. Another program may take one before Janus does: then it does not start."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
