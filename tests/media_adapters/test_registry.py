"""Backends by name, among packages that are really there, with the metadata of an installation."""

import sys
from pathlib import Path

import pytest

from media_adapters.registry import BackendUnavailable, load_backend
from tests.support.packages import output

LOAD = "import sys; from media_adapters.registry import load_backend; print(load_backend(sys.argv[1]).name)"


def package(site: Path, name: str, code: str) -> None:
    """A distribution as an installer leaves it, with one backend."""
    metadata = site / f"{name}-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[nexusvibe.media_adapters]\n{name} = {name}_adapter:Backend\n")
    (site / f"{name}_adapter.py").write_text(code)


async def loaded(site: Path, name: str, code: int = 0) -> str:
    return await output(sys.executable, "-c", LOAD, name, cwd=site, path=site, codes=(code,))


async def test_a_backend_of_another_package_is_found_by_its_name(tmp_path: Path) -> None:
    package(tmp_path, "pigeon", "class Backend:\n    name = 'pigeon'\n")
    assert (await loaded(tmp_path, "pigeon")).strip() == "pigeon"


async def test_a_wrong_name_lists_what_is_installed(tmp_path: Path) -> None:
    package(tmp_path, "pigeon", "class Backend:\n    name = 'pigeon'\n")
    package(tmp_path, "owl", "raise ImportError('never imported: it was not asked for')\n")
    said = await loaded(tmp_path, "pidgin", code=1)
    assert "There is no media backend called 'pidgin'. Installed: janus, " in said
    assert "owl, pigeon." in said


async def test_a_broken_backend_fails_with_its_own_error(tmp_path: Path) -> None:
    package(tmp_path, "owl", "import a_library_that_is_missing\n")
    package(tmp_path, "hawk", "class Backend:\n    def __init__(self):\n        raise RuntimeError('no claws')\n")
    assert "ModuleNotFoundError: No module named 'a_library_that_is_missing'" in await loaded(tmp_path, "owl", code=1)
    assert "RuntimeError: no claws" in await loaded(tmp_path, "hawk", code=1)


def test_no_name_is_a_wrong_name_too() -> None:
    with pytest.raises(BackendUnavailable, match="Installed: janus"):
        load_backend("")
