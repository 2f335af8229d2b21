"""What the REST clients are made of is what the API takes and answers."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_generated_files_are_those_of_the_operations() -> None:
    check = [sys.executable, str(ROOT / "tools" / "generate_clients.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
