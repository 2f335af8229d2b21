"""A machine that enrols: the real agent, before a real replica, and before somebody who only looks like one."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control_plane.nodes.identity import ControlKey, new_control_key
from control_plane.up.keys import load_or_make_keys
from media_adapters.wire.enrolment import EnrolmentToken
from tests.support.database import migrate
from tests.support.enrolling import Operator, machine, operator
from tests.support.inprocess import local_replica
from tests.support.redis import RedisTarget, running_redis


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Operator]:
    database_url = f"sqlite:///{tmp_path}/nexusvibe.db"
    await migrate(database_url)
    keys = load_or_make_keys(tmp_path / "keys")
    pem = (keys.replica_secrets / "nexusvibe_control_key").read_text()
    async with running_redis() as server:
        target = RedisTarget(server.url, cluster=False)
        async with local_replica(target, "one", database_url=database_url, control_pem=pem) as replica:
            yield operator(keys, database_url, server.url, replica.url)


def without(command: list[str], *options: str) -> list[str]:
    """The command as it is typed the next time."""
    left = list(command)
    for option in options:
        at = left.index(option)
        del left[at : at + 2]
    return left


def with_value(command: list[str], option: str, value: str) -> list[str]:
    changed = list(command)
    changed[changed.index(option) + 1] = value
    return changed


async def test_a_node_knows_who_it_is_after_a_restart_and_keeps_its_key_to_itself(
    admin: Operator, tmp_path: Path
) -> None:
    command = await admin.adds("n1")
    async with machine(tmp_path, "m1", command) as node:
        await node.says("node_pending", 60)
    state = tmp_path / "m1/state"
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in state.iterdir()} == {
        "node.json": "0o600",
        f"key-{EnrolmentToken.parse(command[command.index('--enrol') + 1]).id}.pem": "0o600",
        "certificate.pem": "0o600",
    }
    assert oct(state.stat().st_mode & 0o777) == "0o700"
    for again in (command, without(command, "--enrol", "--control-url", "--control-key")):
        async with machine(tmp_path, "m1", again) as node:
            listening = json.loads(await node.says("agent_listening", 60))
            assert listening["node"] == "n1"
            await node.says("node_pending", 60)


async def test_a_token_that_another_machine_has_used_is_refused(admin: Operator, tmp_path: Path) -> None:
    command = await admin.adds("n1")
    async with machine(tmp_path, "m1", command) as node:
        await node.says("node_pending", 60)
        async with machine(tmp_path, "m2", command) as second:
            await second.says("was used by another machine", 60)
            assert await second.ended() == 1


async def test_a_forged_token_and_a_wrong_control_plane_are_one_line(admin: Operator, tmp_path: Path) -> None:
    command = await admin.adds("n1")
    stranger = ControlKey.from_pem(new_control_key()).public
    wrong = {
        "The enrolment is not accepted.": with_value(command, "--enrol", str(EnrolmentToken.fresh())),
        "An enrolment token looks like": with_value(command, "--enrol", "nve_mistyped"),
        "is not the control plane whose key was given": with_value(command, "--control-key", stranger),
        "can't be reached": with_value(command, "--control-url", "http://127.0.0.1:9"),
        "would show its token to the network": with_value(command, "--control-url", "http://192.0.2.1"),
    }
    for sentence, typed in wrong.items():
        async with machine(tmp_path, "m1", typed) as node:
            assert await node.ended(60) == 1
            assert sentence in (await node.says_no_more())[-1]
            assert "nve_" not in node.lines[-1].replace("nve_…_…", "")
    async with machine(tmp_path, "m1", command) as node:
        await node.says("node_pending", 60)


async def test_a_start_that_can_not_work_spends_no_token(admin: Operator, tmp_path: Path) -> None:
    command = await admin.adds("n1")
    async with machine(tmp_path, "m1", command, tls_certificate="/etc/hostname", tls_key="/etc/hostname") as node:
        assert await node.ended(60) == 1
        assert "TLS certificate or key can't be used" in (await node.says_no_more())[-1]
    async with machine(tmp_path, "m2", command) as node:
        await node.says("node_pending", 60)
