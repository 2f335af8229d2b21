"""What commands print: a table for people, JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any


def write(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def write_json(value: Any) -> None:
    write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def write_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], empty: str) -> None:
    """`rows` by column, aligned; the sentence `empty` when there are none."""
    if not rows:
        write(empty)
        return
    cells = [[column.upper().replace("_", " ") for column in columns]]
    cells += [[_cell(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    for line in cells:
        write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    # What others named may hold escape sequences for a terminal.
    return "".join(letter if letter.isprintable() else "�" for letter in str(value))
