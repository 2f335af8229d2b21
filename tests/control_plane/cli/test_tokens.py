"""`nexusvibe token` as an operator types it."""

import json
from typing import Any

import pytest

from control_plane.__main__ import main
from control_plane.access.tokens import RoomTokens
from media_adapters.models import TrackSource
from tests.support.inprocess import CONTROL_KEY, TOKEN_SECRET


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUSVIBE_TOKEN_SECRET", TOKEN_SECRET)
    monkeypatch.setenv("NEXUSVIBE_CONTROL_KEY", CONTROL_KEY)


def grants(token: str) -> Any:
    return RoomTokens(TOKEN_SECRET).verify(token.strip()).grants


def test_a_token_grants_what_was_asked_for_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "demo"]) == 0
    plain = grants(capsys.readouterr().out)
    assert (plain.publish, plain.subscribe, plain.chat) == (tuple(TrackSource), True, True)
    assert (plain.identity, plain.moderate, plain.record, plain.hidden) == (None, False, False, False)

    asked = [
        "--identity",
        "ann",
        "--attribute",
        "seat=7",
        "--publish",
        "microphone",
        "--no-chat",
        "--moderate",
        "--json",
    ]
    assert main(["token", "demo", *asked, "--ttl", "2h"]) == 0
    minted = json.loads(capsys.readouterr().out)
    special = grants(minted["token"])
    assert (special.identity, special.attributes, special.publish) == ("ann", {"seat": "7"}, ("microphone",))
    assert (special.chat, special.moderate, special.record) == (False, True, False)

    assert main(["token", "demo", "--publish"]) == 0
    assert grants(capsys.readouterr().out).publish == ()


@pytest.mark.parametrize("wrong", [["a b"], ["demo", "--name", "a\u202eb"], ["demo", "--attribute", "a b=c"]])
def test_a_token_that_can_not_be_is_one_line(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", *wrong]) == 1
    assert capsys.readouterr().err.startswith("nexusvibe: This token can't be: ")


@pytest.mark.parametrize("wrong", [["--ttl", "0"], ["--ttl", "31d"], ["--publish", "everything"], ["--attribute", "x"]])
def test_wrong_usage_is_exit_code_2(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["token", "demo", *wrong])
    assert ended.value.code == 2
