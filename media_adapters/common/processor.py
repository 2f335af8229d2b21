"""How much of the machine processes use, from Linux's /proc."""

import os
import time
from collections.abc import Iterable
from pathlib import Path


class Processor:
    """Measures from one call to the next. A process that is not there (any more) uses nothing."""

    def __init__(self) -> None:
        self._at = time.monotonic()
        self._used: dict[int, float] = {}

    def share(self, pids: Iterable[int]) -> float:
        """The share of all cores that these used since the last call, 0 to 1.

        One that was not among the last call's is counted from its start: it was not there then.
        """
        now, used = time.monotonic(), {pid: _seconds(pid) for pid in pids}
        spent = sum(max(0.0, seconds - self._used.get(pid, 0.0)) for pid, seconds in used.items())
        elapsed = now - self._at
        self._at, self._used = now, used
        return min(1.0, spent / elapsed / (os.cpu_count() or 1)) if elapsed > 0 else 0.0


def _seconds(pid: int) -> float:
    """Processor time of the process so far (proc(5): fields 14 and 15 of stat, after the name in brackets)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
