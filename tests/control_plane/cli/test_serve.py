"""`nexusvibe serve` where something is missing."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.inprocess import CONTROL_KEY, TOKEN_SECRET


def test_a_replica_does_not_start_on_a_database_that_is_not_migrated_and_says_so_in_one_line(tmp_path: Path) -> None:
    own = {"TOKEN_SECRET": TOKEN_SECRET, "CONTROL_KEY": CONTROL_KEY, "DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}
    done = subprocess.run(
        [sys.executable, "-m", "control_plane", "serve"],
        env=os.environ | {f"NEXUSVIBE_{name}": value for name, value in own.items()},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("nexusvibe: The database is empty")
    assert done.stderr.rstrip().endswith("run `nexusvibe db upgrade`.")
    assert done.stderr.count("\n") == 1
