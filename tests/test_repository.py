"""What must never get into the repository, and what its scripts promise."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_SEARCHED = {"uv.lock", "tests/test_repository.py"}  # written by uv; and this file names what it looks for
CODE = {".py", ".ts", ".tsx", ".js", ".mjs", ".sh", ".lua", ".c"}
MAX_LINES = 500

FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/",
    "a folder beside the checkout": r"\.\./shared/",
    "a package registry": r"index-url|--registry|pythonhosted|npmjs\.org|deb\.debian",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----(?:\\n|\s)+[\w+/]{32}",
    "work left undone": r"\b(?:TODO|FIXME|XXX)\b",
}


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def text_of(name: str) -> str:
    try:
        return (ROOT / name).read_text()
    except UnicodeDecodeError:
        return ""


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_contains(what: str) -> None:
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for name in tracked()
        if name not in NOT_SEARCHED
        for text in [text_of(name)]
        for match in re.finditer(FORBIDDEN[what], text)
    ]
    assert found == []


def test_locked_packages_come_from_the_public_registries_only() -> None:
    python = text_of("uv.lock")
    assert set(re.findall(r'registry = "https?://([^/"]+)', python)) == {"pypi.org"}
    assert set(re.findall(r'url = "https?://([^/"]+)', python)) == {"files.pythonhosted.org"}
    assert '"resolved": "http' not in text_of("web/package-lock.json")


def test_no_code_file_is_so_long_that_an_idea_in_it_wants_a_room_of_its_own() -> None:
    lengths = {name: text_of(name).count("\n") for name in tracked() if Path(name).suffix in CODE}
    long = {name: lines for name, lines in lengths.items() if lines > MAX_LINES and "/generated/" not in name}
    assert long == {}


def test_scripts_can_be_run_and_are_bash_that_parses() -> None:
    scripts = [
        name
        for name in tracked()
        if name.startswith((".ci/", "infra/setup/", "infra/mediasoup/")) and "." not in Path(name).name
    ]
    assert scripts
    for name in scripts:
        assert (ROOT / name).stat().st_mode & 0o111, f"{name} is not executable"
        subprocess.run(["bash", "-n", ROOT / name], check=True)


def test_help_names_every_command_and_every_folder() -> None:
    told = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE)
    assert {command for command in commands if f"make {command} " not in told} <= {"help"}
    folders = set(re.findall(r"^  ([\w/]+)/ ", told, re.MULTILINE))
    assert {folder for folder in folders if not (ROOT / folder).is_dir()} == set()
