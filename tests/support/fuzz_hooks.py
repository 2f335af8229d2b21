"""Loaded by schemathesis: points most of its requests at rooms and people that are there. Which, a file tells."""

import json
import os
import re
import zlib
from pathlib import Path
from typing import Any

import schemathesis

_PLAUSIBLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")


@schemathesis.hook
def map_path_parameters(_context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Only what names something: what is wrong on purpose stays wrong."""
    if not path_parameters or zlib.crc32(repr(path_parameters).encode()) % 5 == 0:
        return path_parameters
    there = json.loads(Path(os.environ["FUZZ_THERE"]).read_text())
    return {
        name: there.get(name, value) if isinstance(value, str) and _PLAUSIBLE.fullmatch(value) else value
        for name, value in path_parameters.items()
    }
