"""Starts that can't work: one clear line and exit code 1. The agent is the real process."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from control_plane.nodes.identity import new_control_key
from tests.support.agent import agent_environment, agent_folder, running_agent, start_agent


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    with agent_folder() as folder:
        yield folder


async def failure(folder: Path, environment: dict[str, str]) -> str:
    """The one line that the agent ends with."""
    process, logs = await start_agent(environment, folder)
    lines = await asyncio.wait_for(logs.ended(), 60)
    assert await process.wait() == 1, lines
    plain = [line["line"] for line in lines if "line" in line]
    assert len(plain) == 1, lines
    sentence: str = plain[0]
    assert sentence.startswith("nexusvibe node: ")
    return sentence


def environment(folder: Path, **settings: Any) -> dict[str, str]:
    return agent_environment(folder, **{"backend": "recorder", "control_pem": new_control_key()} | settings)


async def test_taken_port_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 is taken" in await failure(folder, environment(folder, port=port))


async def test_media_ports_that_are_all_taken_are_named_and_some_are_warned_of(folder: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        told = await failure(folder, environment(folder, rtp_ports=f"[{port}, {port}]"))
        assert f"None of the media ports {port}-{port} (UDP) can be used: they are taken" in told
        last = min(port + 9, 65_535)
        async with running_agent("recorder", rtp_ports=f"[{last - 9}, {last}]") as agent:
            assert agent.logs.last("media_ports_taken")["taken"] >= 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"key_file": "/nowhere/node.pem"}, "/nowhere/node.pem can't be read: No such file"),
        ({"key_file": "/etc/hostname"}, "/etc/hostname can't be used"),
        ({"control_public_key": "short"}, "CONTROL_PUBLIC_KEY can't be used"),
        ({"backend": "carrier-pigeon"}, "no media backend called 'carrier-pigeon'. Installed: "),
        ({"port": "seventy"}, "NEXUSVIBE_NODE_PORT: "),
        (
            {"rtp_ports": "[30000, 20000]"},
            "NEXUSVIBE_NODE_RTP_PORTS: the first port, 30000, comes after the last, 20000",
        ),
        ({"host": "192.0.2.1"}, "Port 0 on 192.0.2.1 can't be listened on"),
        ({"tls_certificate": "/etc/hostname"}, "tls_certificate and tls_key belong together"),
        ({"tls_certificate": "/etc/hostname", "tls_key": "/etc/hostname"}, "TLS certificate or key can't be used"),
        ({"run_dir": "/proc/nowhere"}, "run_dir /proc/nowhere can't be used"),
        ({"options": '{"lives": "0", "answers": "no"}'}, "recorder exited with status 0 before it answered"),
    ],
)
async def test_setting_that_can_not_work_is_named(folder: Path, settings: dict[str, str], told: str) -> None:
    assert told in await failure(folder, environment(folder, **settings))


async def test_every_setting_that_is_missing_is_named_at_once(folder: Path) -> None:
    complete = environment(folder)
    partial = {name: complete[name] for name in ("PYTHONPATH", "NEXUSVIBE_NODE_BACKEND")}
    told = await failure(folder, partial)
    for name in ("ID", "KEY_FILE", "CONTROL_PUBLIC_KEY", "CONTROL_URLS"):
        assert f"NEXUSVIBE_NODE_{name}: Field required" in told


async def test_second_agent_in_a_folder_does_not_kill_the_sfu_of_the_first() -> None:
    async with running_agent("recorder") as agent:
        second = environment(agent.run_dir, run_dir=agent.run_dir)
        assert "Another agent runs in" in await failure(agent.run_dir, second)
        async with agent.dialled() as replica:
            assert (await replica.client.acting().load()).rooms == 0
