"""The integrator's road, walked: the example of docs/integrator.md is installed as a stranger's package and proven."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.support.packages import ROOT, installed, output

EXAMPLE = ROOT / "docs/examples/aiortc_sfu"


@pytest.mark.timeout(300)
async def test_the_example_is_installed_found_by_its_name_and_passes_the_suite(tmp_path: Path) -> None:
    site, folder = tmp_path / "site", tmp_path / "elsewhere"
    folder.mkdir()
    await installed(EXAMPLE, site)
    found = await output(
        *(sys.executable, "-c", "from media_adapters.registry import load_backend; print(load_backend('aiortc').name)"),
        cwd=folder,
        path=site,
    )
    assert found.strip() == "aiortc"
    shutil.copy(EXAMPLE / "test_conformance.py", folder)
    run = await output(sys.executable, "-m", "pytest", "-q", "--show-capture=no", cwd=folder, path=site)
    assert "aiortc 1." in run, "the run shows what the adapter declares"
    assert "does not declare tap" in run, "and why it skipped"


def test_the_whole_example_is_short_and_stands_on_the_contract_alone() -> None:
    files = sorted(path for path in EXAMPLE.iterdir() if path.suffix in (".py", ".toml"))
    assert [path.name for path in files] == ["aiortc_sfu.py", "pyproject.toml", "test_conformance.py"]
    lines = [line for path in files for line in path.read_text().splitlines()]
    assert len([line for line in lines if line.strip()]) < 200
    source = (EXAMPLE / "aiortc_sfu.py").read_text()
    assert "media_adapters.janus" not in source
    assert "media_adapters.mediasoup" not in source
