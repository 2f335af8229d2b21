"""What can be said about `nexusvibe up`."""

import os
from dataclasses import dataclass, field
from pathlib import Path


def default_data_dir() -> Path:
    """Where programs keep what should outlive a restart (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local/state") / "nexusvibe"


def built_page() -> Path:
    """The page as `make` builds it in a checkout."""
    return Path(__file__).parents[2] / "web/app/dist"


@dataclass(frozen=True)
class UpOptions:
    """`port` 0 takes a free one. `data_dir` keeps keys and secrets. `web_root` holds the built page."""

    port: int = 8080
    open_browser: bool = True
    data_dir: Path = field(default_factory=default_data_dir)
    web_root: Path = field(default_factory=built_page)
