import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from control_plane.settings import Settings
from control_plane.up import CannotStart
from control_plane.up.keys import load_or_make_keys
from media_adapters.wire import private_key, public_text


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    made = load_or_make_keys(tmp_path / "state")
    assert load_or_make_keys(tmp_path / "state") == made
    assert public_text(private_key(made.node_key_file.read_bytes())) == made.node_public_key
    assert made.node_public_key != made.control_public_key


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        keys = load_or_make_keys(tmp_path / "state")
        keys.node_key_file.chmod(0o644)
        load_or_make_keys(tmp_path / "state")
    finally:
        os.umask(previous)
    modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "state").rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert len(modes) == 5


def test_a_replica_reads_them_as_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = load_or_make_keys(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("NEXUSVIBE_TOKEN_SECRET", "NEXUSVIBE_CONTROL_KEY"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(_secrets_dir=keys.replica_secrets)
    assert settings.token_secret.get_secret_value() == keys.token_secret
    control_key = private_key(settings.control_key.get_secret_value().encode())
    assert public_text(control_key) == keys.control_public_key


def test_two_that_start_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(load_or_make_keys, [tmp_path] * 40))
    assert len({(keys.token_secret, keys.node_public_key, keys.control_public_key) for keys in made}) == 1


def test_broken_key_and_unusable_folder_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="Choose another with --data-dir"):
        load_or_make_keys(tmp_path / "file")
    load_or_make_keys(tmp_path).node_key_file.write_text("not a key")
    with pytest.raises(CannotStart, match=r"key.pem holds no usable key. Delete it"):
        load_or_make_keys(tmp_path)
