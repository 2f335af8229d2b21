"""The units that ship: systemd understands every line, and confines what it starts."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "infra/systemd").glob("*.service"))
PROGRAM = Path(sys.executable).with_name("nexusvibe")

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


@pytest.fixture(params=UNITS, ids=lambda unit: unit.name)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """With the program where it is here."""
    original: Path = request.param
    copy = tmp_path / original.name
    copy.write_text(original.read_text().replace("/opt/nexusvibe/.venv/bin/nexusvibe", str(PROGRAM)))
    return copy


def analyzed(*arguments: str) -> str:
    run = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


def test_systemd_understands_the_unit(unit: Path) -> None:
    said = analyzed("verify", str(unit))
    assert unit.name not in said


def test_the_unit_is_confined(unit: Path) -> None:
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", analyzed("security", "--offline=true", str(unit)))
    assert exposure is not None
    assert float(exposure[1]) < 2.5
