"""`nexusvibe node …` as an operator types it; what nodes make of it is in tests/integration/test_nodes.py."""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from control_plane.__main__ import main
from control_plane.nodes.identity import ControlKey, new_control_key
from control_plane.nodes.store import NodeStore
from control_plane.state import Redis
from media_adapters.wire.enrolment import EnrolmentToken
from tests.control_plane.nodes.reports import report
from tests.support.database import migrated_file

CONTROL_PEM = new_control_key()


@pytest.fixture(autouse=True)
def _service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_redis: str) -> None:
    monkeypatch.setenv("NEXUSVIBE_DATABASE_URL", migrated_file(tmp_path))
    monkeypatch.setenv("NEXUSVIBE_REDIS_URL", shared_redis)
    monkeypatch.setenv("NEXUSVIBE_CONTROL_KEY", CONTROL_PEM)
    asyncio.run(in_redis(shared_redis, lambda redis: redis.execute("FLUSHALL", key="nv")))


async def in_redis(url: str, act: Any) -> Any:
    async with Redis.connect(url) as redis:
        return await act(redis)


def reports(url: str, **values: Any) -> None:
    heartbeat = report(**values).model_copy(update={"warnings": ("Old.",)})
    asyncio.run(in_redis(url, lambda redis: recorded(redis, heartbeat)))


def recorded(redis: Redis, heartbeat: Any) -> Coroutine[Any, Any, bool]:
    return NodeStore(redis).record(heartbeat)


def test_one_command_to_copy_with_all_that_the_other_machine_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUSVIBE_PUBLIC_URL", "https://control.example.org")
    assert main(["node", "add", "n1", "--region", "eu"]) == 0
    printed = capsys.readouterr().out
    (command,) = (line.split() for line in printed.splitlines() if line.startswith("  nexusvibe node run"))
    given = dict(zip(command[3::2], command[4::2], strict=True))
    EnrolmentToken.parse(given["--enrol"])
    assert given["--control-url"] == "https://control.example.org"
    assert given["--control-key"] == ControlKey.from_pem(CONTROL_PEM).public
    assert "nexusvibe node approve n1" in printed


def test_add_without_knowing_where_the_control_plane_is_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["node", "add", "n1", "--region", "eu"]) == 1
    assert "NEXUSVIBE_PUBLIC_URL" in capsys.readouterr().err


def test_nodes_are_listed_with_what_they_run_and_carry(capsys: pytest.CaptureFixture[str], shared_redis: str) -> None:
    assert main(["node", "list"]) == 0
    assert "There are no nodes" in capsys.readouterr().out
    reports(shared_redis, node="static-one", streams=7, region="eu")
    assert main(["node", "list", "--json"]) == 0
    printed = capsys.readouterr().out
    (row,) = json.loads(printed[printed.index("[\n") :])  # behind what is logged, which goes elsewhere in a program
    assert (row["id"], row["region"], row["state"], row["media_server"]) == ("static-one", "eu", "up", "janus 1.1.2")
    assert (row["streams"], row["capacity"], row["warnings"]) == (7, 100, ["Old."])
    assert main(["node", "drain", "static-one"]) == 0
    assert main(["node", "list"]) == 0
    assert "draining" in capsys.readouterr().out
    assert main(["node", "show", "static-one"]) == 0
    assert "Old." in capsys.readouterr().out
    assert main(["node", "undrain", "static-one"]) == 0
    assert main(["node", "remove", "static-one"]) == 1


@pytest.mark.parametrize("command", ["show", "approve", "drain", "undrain", "remove"])
def test_a_node_that_nobody_knows_is_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["node", command, "nowhere"]) == 1
    assert capsys.readouterr().err == "nexusvibe: There is no node nowhere.\n"


@pytest.mark.parametrize(
    "wrong", [["n 1", "--region", "eu"], ["n1", "--region", ""], ["n1"], ["../n1", "--region", "x"]]
)
def test_names_that_can_not_be_are_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["node", "add", *wrong])
    assert refused.value.code == 2
