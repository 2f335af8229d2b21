"""What can be said about `nexusvibe up`."""

from dataclasses import dataclass, field
from pathlib import Path

from control_plane.settings import default_data_dir


def built_page() -> Path:
    """The page as `make` builds it in a checkout."""
    return Path(__file__).parents[2] / "web/app/dist"


@dataclass(frozen=True)
class UpOptions:
    """`port` 0 takes a free one. `sfu` names the media node's backend. `data_dir` keeps keys, secrets and the database.
    `web_root` holds the built page.
    """

    port: int = 8080
    sfu: str = "janus"
    open_browser: bool = True
    data_dir: Path = field(default_factory=default_data_dir)
    web_root: Path = field(default_factory=built_page)

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.data_dir.absolute()}/nexusvibe.db"
