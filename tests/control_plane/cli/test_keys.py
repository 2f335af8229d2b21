"""`nexusvibe db` and `nexusvibe key` as an operator types them."""

import asyncio
import json
from pathlib import Path

import pytest

from control_plane.__main__ import main
from control_plane.access.keys import ApiKeys
from control_plane.database import Database
from control_plane.http.errors import InvalidKey
from tests.support.database import migrated_file


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A migrated database that the commands find."""
    url = migrated_file(tmp_path)
    monkeypatch.setenv("NEXUSVIBE_DATABASE_URL", url)
    return url


def is_let_in(url: str, key: str) -> bool:
    async def ask() -> bool:
        async with Database.connect(url) as database:
            try:
                await ApiKeys(database).authenticate(key)
            except InvalidKey:
                return False
            return True

    return asyncio.run(ask())


def test_a_database_is_upgraded_once_and_says_what_it_is_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXUSVIBE_DATABASE_URL", f"sqlite:///{tmp_path}/new/folder/file.db")
    assert main(["db", "status"]) == 3
    assert "nexusvibe db upgrade" in capsys.readouterr().out
    assert main(["key", "list"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["db", "upgrade"]) == 0
    assert main(["db", "upgrade"]) == 0
    capsys.readouterr()
    assert main(["db", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["usable"] is True


def test_a_key_lives_on_the_command_line(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "create", "shop", "--rooms", "shop-"]) == 0
    first = capsys.readouterr().out.strip()
    assert is_let_in(url, first)
    key_id = first.split("_")[1]

    assert main(["key", "rotate", key_id, "--overlap", "0", "--json"]) == 0
    second = json.loads(capsys.readouterr().out)["key"]
    assert (is_let_in(url, first), is_let_in(url, second)) == (False, True)

    assert main(["key", "list"]) == 0
    shown = capsys.readouterr().out
    assert "shop-*" in shown
    assert second.split("_", 2)[2] not in shown

    assert main(["key", "revoke", key_id]) == 0
    assert not is_let_in(url, second)
    capsys.readouterr()
    assert main(["key", "list", "--json"]) == 0
    assert [row["state"] for row in json.loads(capsys.readouterr().out)] == ["revoked"]


def test_a_key_that_is_not_there_is_one_line_and_exit_code_1(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "revoke", "nobody"]) == 1
    assert capsys.readouterr().err == "nexusvibe: There is no key nobody.\n"


@pytest.mark.parametrize(
    "arguments", [["key"], ["key", "create"], ["key", "create", "x", "--expires", "soon"], ["key", "create", "a\x1bb"],
                  ["key", "create", "x", "--rooms", "a b"]],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
