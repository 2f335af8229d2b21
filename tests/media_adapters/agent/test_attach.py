"""An agent that uses a Janus which somebody else runs: it starts none, ends none, and notices how it fares."""

import json
import signal
from pathlib import Path

import pytest

from control_plane.nodes.identity import new_control_key
from control_plane.nodes.rpc import Lost
from media_adapters.agent.process import ProcessRecord
from media_adapters.events import SfuDied
from media_adapters.janus.home import folder as janus_folder
from media_adapters.models import RoomSpec
from tests.support.agent import AgentProcess, agent_environment, agent_folder, running_agent, start_agent
from tests.support.cast import ROOM
from tests.support.janus import Server, running_janus

pytestmark = pytest.mark.faults
PATIENCE = 30.0
CONTROL_PEM = new_control_key()


def secrets_of(janus: Server, folder: Path) -> dict[str, str]:
    """Settings of an agent that knows what this Janus asks for."""
    (folder / "api-secret").write_text(janus.access.api_secret)
    (folder / "admin-key").write_text(f"{janus.access.admin_key}\n")
    files = {"api_secret_file": str(folder / "api-secret"), "admin_key_file": str(folder / "admin-key")}
    return {"attach": janus.access.url, "options": json.dumps(files)}


async def test_a_running_janus_is_used_and_outlives_the_agent(tmp_path: Path) -> None:
    async with running_janus() as janus:
        async with running_agent(**secrets_of(janus, tmp_path)) as agent, agent.dialled() as replica:
            description = await replica.client.acting().describe()
            assert (description.backend, description.version) == ("janus", "1.1.2")
            assert "known memory faults" in description.warnings[0]
            await replica.client.acting(fence=1).open_room(ROOM, RoomSpec())
            assert not any(line.get("event") == "sfu_started" for line in agent.logs.lines)
            agent.process.terminate()
            assert await replica.events.next(PATIENCE) == SfuDied(reason="the agent stops")
        assert ProcessRecord.of(janus.process.pid) is not None
        assert (await janus.admin("list_sessions"))["sessions"] == []


async def test_a_janus_that_is_killed_is_noticed_by_its_connection(tmp_path: Path) -> None:
    async with running_janus() as janus, running_agent(**secrets_of(janus, tmp_path)) as agent:
        await noticed(agent, janus, signal.SIGKILL)


async def test_a_janus_that_hangs_is_noticed_and_used_again_when_it_goes_on(tmp_path: Path) -> None:
    async with running_janus() as janus, running_agent(**secrets_of(janus, tmp_path)) as agent:
        await noticed(agent, janus, signal.SIGSTOP)
        janus.thaw()
        await agent.logs.wait_for("sfu_ready", times=2, timeout=60)
        async with agent.dialled() as replica:
            await replica.client.acting(fence=1).open_room(ROOM, RoomSpec())


async def noticed(agent: AgentProcess, janus: Server, number: signal.Signals) -> None:
    async with agent.dialled() as replica:
        janus.process.send_signal(number)
        assert isinstance(await replica.events.next(PATIENCE), SfuDied)
        assert await replica.lost.next(PATIENCE) is Lost.SFU_DOWN


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("api-secret", "the right api_secret"),
        ("admin-key", "another admin_key than the one in admin_key_file"),
        ("nothing", "api-secret can't be read"),
    ],
)
async def test_a_janus_that_lets_us_do_nothing_is_told_at_the_start(wrong: str, told: str, tmp_path: Path) -> None:
    async with running_janus() as janus:
        settings = secrets_of(janus, tmp_path)
        if wrong == "nothing":
            (tmp_path / "api-secret").unlink()
        else:
            (tmp_path / wrong).write_text("wrong")
        assert told in await failure(settings)


async def test_a_janus_without_string_ids_is_told_what_to_set(tmp_path: Path) -> None:
    async with running_janus() as janus:
        settings = secrets_of(janus, tmp_path)
        config = janus_folder(janus.settings.run_dir) / "config/janus.plugin.videoroom.jcfg"
        config.write_text(config.read_text().replace("string_ids = true", "string_ids = false"))
        await janus.restart()
        assert "set string_ids = true" in await failure(settings)


async def test_a_media_server_that_can_not_be_attached_says_so() -> None:
    assert "starts its media server itself" in await failure({"attach": "ws://127.0.0.1:9", "backend": "mediasoup"})


async def failure(settings: dict[str, str]) -> str:
    """The one line with which the agent ends."""
    with agent_folder() as folder:
        environment = agent_environment(folder, control_pem=CONTROL_PEM, **settings)
        process, logs = await start_agent(environment, folder)
        lines = await logs.ended()
    assert await process.wait() == 1
    (sentence,) = [line["line"] for line in lines if "line" in line]
    return str(sentence)
