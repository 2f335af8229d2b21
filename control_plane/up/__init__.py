"""`nexusvibe up`: the whole system on one machine, for trying it out and for working on it.

Starts a private Redis, one media node and one replica as children, keeps them running, prints one link, and takes
everything down with it. Keys and secrets are made once and kept in the data folder.
"""

from control_plane.up.errors import CannotStart
from control_plane.up.options import UpOptions
from control_plane.up.system import run

__all__ = ["CannotStart", "UpOptions", "run"]
