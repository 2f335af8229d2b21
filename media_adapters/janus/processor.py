"""How much of the machine a process uses, from Linux's /proc."""

import os
import time
from pathlib import Path


class Processor:
    """`pid_file` is where the process wrote its id. A process that is not there (any more) uses nothing."""

    def __init__(self, pid_file: Path) -> None:
        self._pid_file = pid_file
        self._before = (time.monotonic(), self._seconds())

    def share(self) -> float:
        """The share of all cores used since the last call, 0 to 1."""
        now = (time.monotonic(), self._seconds())
        elapsed, used = now[0] - self._before[0], now[1] - self._before[1]
        self._before = now
        return min(1.0, max(0.0, used / elapsed / (os.cpu_count() or 1))) if elapsed > 0 else 0.0

    def _seconds(self) -> float:
        """Processor time of the process so far (proc(5): fields 14 and 15 of stat, after the name in brackets)."""
        try:
            pid = int(self._pid_file.read_text())
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
