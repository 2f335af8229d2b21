"""`nexusvibe issuer` and `nexusvibe key signing` as an operator types them."""

import json
from pathlib import Path

import pytest

from control_plane.__main__ import main
from tests.support.database import migrated_file
from tests.support.inprocess import TOKEN_SECRET
from tests.support.issuer import new_key


@pytest.fixture(autouse=True)
def _database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUSVIBE_DATABASE_URL", migrated_file(tmp_path))
    monkeypatch.setenv("NEXUSVIBE_TOKEN_SECRET", TOKEN_SECRET)


def test_an_issuer_lives_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pem = tmp_path / "public.pem"
    key = new_key()
    pem.write_bytes(key.as_pem(private=False))
    assert main(["issuer", "add", "shop", "--keys", str(pem), "--rooms", "shop-", "--algorithms", "EdDSA"]) == 0
    assert main(["issuer", "add", "shop", "--keys", str(pem)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["issuer", "list"]) == 0
    assert "shop-*" in capsys.readouterr().out
    assert main(["issuer", "show", "shop", "--json"]) == 0
    assert [each["thumbprint"] for each in json.loads(capsys.readouterr().out)["keys"]] == [key.thumbprint()]
    assert main(["issuer", "remove", "shop"]) == 0
    assert main(["issuer", "show", "shop"]) == 1
    assert capsys.readouterr().err == "nexusvibe: There is no issuer shop.\n"


@pytest.mark.parametrize(
    "wrong",
    [["--jwks-url", "http://id.example.org/keys"], ["--keys", "/nowhere.pem"], ["--keys", "/bin/true"]],
)
def test_keys_that_can_not_be_are_one_line(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["issuer", "add", "shop", *wrong]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_keys_that_can_not_be_fetched_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["issuer", "add", "shop", "--jwks-url", "http://127.0.0.1:9/keys"]) == 0
    capsys.readouterr()
    assert main(["issuer", "show", "shop"]) == 1
    assert "http://127.0.0.1:9/keys" in capsys.readouterr().err


def test_the_secret_to_sign_with_is_the_same_each_time_until_the_key_is_rotated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["key", "create", "shop"])
    key_id = capsys.readouterr().out.split("_")[1]

    def shown() -> str:
        assert main(["key", "signing", key_id]) == 0
        return capsys.readouterr().out

    first = shown()
    assert first.startswith("nvs_")
    assert shown() == first
    main(["key", "rotate", key_id])
    capsys.readouterr()
    assert shown() != first
    main(["key", "revoke", key_id])
    capsys.readouterr()
    assert main(["key", "signing", key_id]) == 1
