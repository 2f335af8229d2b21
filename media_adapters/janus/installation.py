"""What of Janus is installed on this machine."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from media_adapters.registry import BackendUnavailable

OLDEST = (1, 0, 0)
"""The first with multistream, on which one subscriber connection per participant rests."""
SOUND = (1, 4, 1)

_INSTALL = "Install it (Debian: `apt-get install janus`), or name it with the options `janus` and `janus_lib`."
_PLACES = ("/usr/lib/*/janus", "/usr/lib/janus", "/usr/local/lib/janus", "/opt/janus/lib/janus")

Version = tuple[int, ...]


@dataclass(frozen=True)
class Installation:
    """The executable, and the two modules that are used of what comes with it."""

    executable: Path
    videoroom: Path
    websockets: Path


def find(options: Mapping[str, str]) -> Installation:
    """Options: `janus`, the executable; `janus_lib`, the folder that holds `plugins/` and `transports/`.

    Raises `BackendUnavailable` when something is missing or too old.
    """
    executable = shutil.which(options.get("janus", "janus"))
    if executable is None:
        raise BackendUnavailable(f"Janus is not installed. {_INSTALL}")
    version = _version(executable)
    if version < OLDEST:
        raise BackendUnavailable(f"Janus {dotted(version)} is too old: {dotted(OLDEST)} is needed. {_INSTALL}")
    folder = _modules(options.get("janus_lib"))
    return Installation(
        executable=Path(executable),
        videoroom=folder / "plugins/libjanus_videoroom.so",
        websockets=folder / "transports/libjanus_websockets.so",
    )


def warnings_about(version: str) -> tuple[str, ...]:
    """What an operator should know about a version, such as `1.1.2`."""
    if parse_version(version) >= SOUND:
        return ()
    warning = (
        f"Janus {version} has known memory faults (VP8 simulcast, RTX) that {dotted(SOUND)} mends: "
        "run a current version where strangers may publish."
    )
    return (warning,)


def parse_version(text: str) -> Version:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def dotted(version: Version) -> str:
    return ".".join(str(number) for number in version)


def _version(executable: str) -> Version:
    """Janus 1.1 prints its version and then complains about the option: the exit code says nothing."""
    try:
        run = subprocess.run([executable, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackendUnavailable(f"{executable} does not run. {_INSTALL}") from error
    found = re.search(r"(\d+\.\d+\.\d+)", run.stdout + run.stderr)
    if found is None:
        raise BackendUnavailable(f"{executable} does not tell its version: is it Janus? {_INSTALL}")
    return parse_version(found[1])


def _modules(named: str | None) -> Path:
    places = [Path(named)] if named else [path for place in _PLACES for path in Path("/").glob(place.lstrip("/"))]
    for folder in places:
        if (folder / "plugins/libjanus_videoroom.so").exists():
            if not (folder / "transports/libjanus_websockets.so").exists():
                raise BackendUnavailable(f"Janus was built without websockets. {_INSTALL}")
            return folder
    raise BackendUnavailable(f"Janus's VideoRoom plugin is not installed. {_INSTALL}")
