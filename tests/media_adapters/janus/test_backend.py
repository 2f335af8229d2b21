"""What of Janus is written, started and refused."""

import os
import stat
from pathlib import Path

import pytest

from media_adapters.errors import NodeGone
from media_adapters.janus import JanusBackend, backend, home, installation, loopback
from media_adapters.models import Capability
from media_adapters.registry import BackendSettings, BackendUnavailable, load_backend
from tests.support.janus import Server


@pytest.fixture
def settings(tmp_path: Path) -> BackendSettings:
    return BackendSettings(run_dir=tmp_path, media_address="127.0.0.1", rtp_ports=(21000, 21099))


def program(folder: Path, says: str) -> str:
    path = folder / "janus"
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit 1\n")
    path.chmod(0o755)
    return str(path)


async def test_it_is_found_by_name_and_describes_itself(server: Server) -> None:
    async with load_backend("janus").connect(server.settings) as node:
        description = await node.describe()
    assert (description.backend, description.version) == ("janus", "1.1.2")
    assert description.capabilities == set(Capability) - {Capability.PLAY}  # players over HTTP: mediasoup's
    assert "1.4.1" in description.warnings[0]


async def test_janus_runs_without_privileges_or_demo_rooms(server: Server) -> None:
    if os.geteuid() == 0:
        assert os.stat(f"/proc/{server.process.pid}").st_uid == home.NOBODY  # noqa: PTH116 - /proc does not block
    async with server.node() as node:
        rooms = await node._control.message({"request": "list"})  # type: ignore[attr-defined]
        plugins = (await node._client.info())["plugins"]  # type: ignore[attr-defined]
        assert rooms.data["list"] == []
        assert list(plugins) == ["janus.plugin.videoroom"]


async def test_the_load_counts_rooms_and_the_processor(server: Server) -> None:
    async with server.node() as node:
        load = await node.load()
    assert (load.rooms, load.peers, load.streams) == (0, 0, 0)
    assert 0 <= load.cpu <= 1
    assert home.pids(server.settings.run_dir) == [server.process.pid]


def test_configuration_and_secrets_are_for_the_owner_only(settings: BackendSettings) -> None:
    started = JanusBackend().prepare(settings)
    access = home.Access.load(settings.run_dir)
    for path in (settings.run_dir / "access.json", *home.folder(settings.run_dir).glob("config/*")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    secrets = (access.api_secret, access.admin_secret, access.admin_key)
    assert not any(secret in word for secret in secrets for word in (*started.argv, *started.env.values()))
    assert len(set(secrets)) == 3


def test_preparing_again_makes_new_secrets_and_forgets_the_old(settings: BackendSettings) -> None:
    JanusBackend().prepare(settings)
    first = home.Access.load(settings.run_dir)
    JanusBackend().prepare(settings)
    assert home.Access.load(settings.run_dir).api_secret != first.api_secret
    assert first.api_secret not in (home.folder(settings.run_dir) / "config/janus.jcfg").read_text()


def test_an_address_of_this_machine_is_enforced_and_another_is_taken_for_a_nat(settings: BackendSettings) -> None:
    def core() -> str:
        return (home.folder(settings.run_dir) / "config/janus.jcfg").read_text()

    JanusBackend().prepare(settings)
    assert 'ice_enforce_list = "127.0.0.1"' in core()
    outside = settings.model_copy(update={"media_address": "203.0.113.7"})
    started = JanusBackend().prepare(outside)
    assert 'nat_1_1_mapping = "203.0.113.7"' in core()
    assert not any("LD_PRELOAD" in word for word in started.argv)
    JanusBackend().prepare(settings.model_copy(update={"media_address": None}))
    assert "nat_1_1_mapping" not in core()


def test_an_address_that_is_none_is_refused(settings: BackendSettings) -> None:
    with pytest.raises(BackendUnavailable, match="media_address"):
        JanusBackend().prepare(settings.model_copy(update={"media_address": "media.example.org"}))


def test_a_machine_without_janus_is_told_what_to_install(settings: BackendSettings) -> None:
    with pytest.raises(BackendUnavailable, match="apt-get install janus"):
        JanusBackend().prepare(settings.model_copy(update={"options": {"janus": "/nowhere/janus"}}))


@pytest.mark.parametrize("says", ["Janus version: 15 (0.15.3)", "I am a teapot"])
def test_an_old_janus_or_something_else_is_refused(settings: BackendSettings, tmp_path: Path, says: str) -> None:
    with pytest.raises(BackendUnavailable):
        JanusBackend().prepare(settings.model_copy(update={"options": {"janus": program(tmp_path, says)}}))


def test_a_janus_without_its_plugin_is_refused(settings: BackendSettings, tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="VideoRoom"):
        JanusBackend().prepare(settings.model_copy(update={"options": {"janus_lib": str(tmp_path)}}))


def test_a_loopback_address_needs_a_compiler_once(
    settings: BackendSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    built = loopback.library()
    assert loopback.library() == built
    built.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendUnavailable, match="compiler"):
        loopback.library()


async def test_connecting_to_what_was_not_prepared_or_does_not_run_is_said(
    settings: BackendSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "CONNECT_TIMEOUT", 0.3)
    with pytest.raises(BackendUnavailable):
        async with JanusBackend().connect(settings):
            pass
    JanusBackend().prepare(settings)
    with pytest.raises(NodeGone):
        async with JanusBackend().connect(settings):
            pass


def test_versions_with_known_faults_are_warned_about() -> None:
    assert installation.warnings_about("1.1.2")
    assert installation.warnings_about("1.4.0")
    assert not installation.warnings_about("1.4.1")
    assert not installation.warnings_about("2.0.0")
