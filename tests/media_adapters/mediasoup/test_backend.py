"""How mediasoup is run: by whom, where it listens, and what is said when something is missing."""

import os
import stat
from pathlib import Path

import pytest

from media_adapters.mediasoup import MediasoupBackend, home, installation
from media_adapters.models import Capability
from media_adapters.registry import BackendSettings, BackendUnavailable, load_backend
from tests.support.media import Stage
from tests.support.mediasoup import Server


def settings(folder: Path, **options: str) -> BackendSettings:
    return BackendSettings(run_dir=folder, media_address="127.0.0.1", options=options)


def test_the_adapter_is_found_by_its_name() -> None:
    assert isinstance(load_backend("mediasoup"), MediasoupBackend)


async def test_it_says_who_it_is(lobby: Stage) -> None:
    description = await lobby.node.describe()
    assert (description.backend, description.version) == ("mediasoup", "3.27.1")
    assert description.capabilities == frozenset(Capability)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"worker": "/nowhere/mediasoup-worker"}, "infra/setup/mediasoup"),
        ({"node": "/nowhere/node"}, "Node.js 22.18"),
        ({"node": "/bin/true"}, "Node.js 22.18"),
        ({"workers": "many"}, "a number"),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(tmp_path: Path, options: dict[str, str], words: str) -> None:
    with pytest.raises(BackendUnavailable, match=words):
        MediasoupBackend().prepare(settings(tmp_path, **options))


def test_missing_packages_and_bad_addresses_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendUnavailable, match="IP address"):
        MediasoupBackend().prepare(settings(tmp_path).model_copy(update={"media_address": "eth0"}))
    monkeypatch.setattr(installation, "_PACKAGE", tmp_path / "none")
    with pytest.raises(BackendUnavailable, match="packages"):
        MediasoupBackend().prepare(settings(tmp_path))


async def test_workers_read_what_strangers_send_as_nobody(server: Server) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    for worker in await server.workers():
        status = Path(f"/proc/{worker['pid']}/status").read_text()  # noqa: ASYNC240 - proc is memory
        assert f"Uid:\t{home.NOBODY}\t{home.NOBODY}" in status


async def test_only_our_own_user_can_talk_to_the_bridge(server: Server) -> None:
    socket = home.socket(server.settings.run_dir)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


async def test_media_are_offered_on_one_port_of_the_range_for_udp_and_tcp(lobby: Stage, server: Server) -> None:
    alice = lobby.person("alice")
    await alice.publishes_microphone()
    sdp = alice.publisher.remoteDescription.sdp
    candidates = [line.split() for line in sdp.splitlines() if line.startswith("a=candidate:")]
    first, last = server.settings.rtp_ports
    assert {line[2].lower() for line in candidates} == {"udp", "tcp"}
    assert all(line[4] == "127.0.0.1" and first <= int(line[5]) <= last for line in candidates)
    assert len({line[5] for line in candidates}) == 1
