"""How figures are taken and shown."""

import os
import platform
import resource
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 5


@dataclass(frozen=True)
class Row:
    """One figure over several rounds."""

    what: str
    unit: str
    values: Sequence[float]
    digits: int = 1

    def line(self) -> str:
        figures = (statistics.median(self.values), min(self.values), max(self.values))
        return f"{self.what:58} {' '.join(f'{each:12,.{self.digits}f}' for each in figures)}  {self.unit}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so much of all, from 0 to 1, does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def show(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}\n{'':58} {'median':>12} {'least':>12} {'most':>12}")
    for row in rows:
        print(row.line())


def machine() -> str:
    """What a reader needs to judge the figures."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; load before: {load}"


def cpu_of(pid: int) -> float:
    """CPU time of another process so far, its threads included; in steps of 10 ms (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_seconds() -> float:
    """CPU time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
