"""What `up` prints: the lines of its children, each behind the name of the child, and a few of its own."""

import os
import sys
from typing import TextIO

_COLORS = {"redis": "35", "node": "36", "replica": "32", "turn": "34", "up": "1"}
_WIDTH = max(map(len, _COLORS))


class Printer:
    """Writes whole lines to `stream` (stdout); in colour only to a terminal, unless `NO_COLOR` is set."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._colored = self._stream.isatty() and not os.environ.get("NO_COLOR")

    def line(self, source: str, text: str) -> None:
        self._write(f"{self._paint(source.ljust(_WIDTH), _COLORS.get(source, '0'))} │ {text}")

    def note(self, text: str) -> None:
        self.line("up", text)

    def link(self, url: str) -> None:
        """The one thing that a person looks for in all the output."""
        self._write("")
        self._write(f"  {self._paint('NexusVibe is up.', '1')} Open this link, in as many tabs as you like:")
        self._write("")
        self._write(f"  {self._paint(url, '1;36')}")
        self._write("")
        self._write("  Whoever has the link can enter the room `demo`. Ctrl-C stops everything.")
        self._write("")

    def _paint(self, text: str, color: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self._colored else text

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()
