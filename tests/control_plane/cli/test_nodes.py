"""`nexusvibe node run`: it becomes the agent, with what was given on the command line."""

import os
import sys
from pathlib import Path

import pytest

from control_plane.__main__ import main
from control_plane.nodes.identity import new_control_key
from tests.support.agent import agent_environment, agent_folder
from tests.support.processes import running_process


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


async def test_options_come_before_the_environment_and_reach_the_media_server() -> None:
    with agent_folder() as folder:
        environment = agent_environment(folder, backend="nothing", control_pem=new_control_key(), log_format="console")
        given = ("--backend", "recorder", "--option", "lives=0", "--option", "answers=no", "--rtp-ports", "40000-40009")
        argv = (sys.executable, "-m", "control_plane", "node", "run", *given)
        async with running_process("node", *argv, cwd=folder, env=environment) as node:
            assert await node.ended(60) == 1
            assert "recorder exited with status 0 before it answered" in node.lines[-1]


async def test_agent_is_the_same_process_so_that_a_service_manager_can_stop_it() -> None:
    with agent_folder() as folder:
        environment = agent_environment(folder, backend="recorder", control_pem=new_control_key())
        argv = (sys.executable, "-m", "control_plane", "node", "run")
        async with running_process("node", *argv, cwd=folder, env=environment) as node:
            await node.says("sfu_ready")
            assert "media_adapters.agent" in command_of(node.pid)
            assert await node.stop() == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--rtp-ports", "20000"), "use FIRST-LAST"),
        (("--rtp-ports", "30000-20000"), "use FIRST-LAST"),
        (("--rtp-ports", "60000-70000"), "use FIRST-LAST"),
        (("--port", "70000"), "from 0 to 65535"),
        (("--option", "janus"), "use NAME=TEXT"),
    ],
)
def test_what_can_not_be_meant_is_refused_before_anything_starts(
    given: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = dict(os.environ)
    with pytest.raises(SystemExit) as refused:
        main(["node", "run", *given])
    assert refused.value.code == 2
    assert told in capsys.readouterr().err
    assert dict(os.environ) == before
