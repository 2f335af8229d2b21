"""The keys and secrets of a system on one machine: made once, kept in files that only their owner reads."""

import os
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from control_plane.up.errors import CannotStart
from media_adapters.wire import BadKey, new_private_key, private_key, public_text


@dataclass(frozen=True)
class Keys:
    """`replica_secrets` is a secrets folder of `control_plane.settings`; public keys are base64 of 32 bytes."""

    replica_secrets: Path
    token_secret: str
    control_public_key: str
    node_key_file: Path
    node_public_key: str


def load_or_make_keys(data_dir: Path) -> Keys:
    """What `data_dir` holds, completed by what is missing. Raises `CannotStart`."""
    replica, node = data_dir / "replica", data_dir / "node"
    node_key_file = node / "key.pem"
    try:
        for folder in (data_dir, replica, node):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        token_secret = _kept(replica / "nexusvibe_token_secret", lambda: secrets.token_urlsafe(32).encode())
        control_public = _public_half(replica / "nexusvibe_control_key")
        node_public = _public_half(node_key_file)
    except OSError as error:
        raise CannotStart(f"{data_dir} can't be used ({error.strerror}). Choose another with --data-dir.") from error
    return Keys(replica, token_secret.decode(), control_public, node_key_file, node_public)


def _public_half(file: Path) -> str:
    try:
        return public_text(private_key(_kept(file, new_private_key)))
    except BadKey as error:
        raise CannotStart(f"{file} holds no usable key. Delete it to get a new one.") from error


def _kept(file: Path, make: Callable[[], bytes]) -> bytes:
    """The content of `file`; made now if it is not there. Of two processes that make it at once, both get one."""
    if not file.exists():
        handle, name = tempfile.mkstemp(dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as fresh:
                fresh.write(make())
            with suppress(FileExistsError):
                os.link(name, file)
        finally:
            Path(name).unlink()
    file.chmod(0o600)
    return file.read_bytes()
