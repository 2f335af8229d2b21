"""Who this node is: said by settings, or kept in its state folder since it enrolled."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from media_adapters.agent.errors import AgentFailed
from media_adapters.agent.files import write_private
from media_adapters.agent.settings import AgentSettings, HomeSettings
from media_adapters.models import NodeId, Value
from media_adapters.wire.enrolment import EnrolmentToken

_FILE = "node.json"


class Identity(Value):
    """What the node learned when it enrolled with the token `token_id`. `key` names a file beside it."""

    token_id: str
    node: NodeId
    region: str
    control_public_key: str
    control_urls: tuple[str, ...]
    key: str


def key_file(folder: Path, token_id: str) -> Path:
    """Each enrolment has a key of its own, so that one that fails spoils nothing."""
    return folder / f"key-{token_id}.pem"


def load_identity(folder: Path) -> Identity | None:
    """None before the first enrolment. Raises `AgentFailed`."""
    file = folder / _FILE
    try:
        return Identity.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AgentFailed(f"{file} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        raise AgentFailed(f"{file} is damaged: enrol this machine again, with a new token.") from error


def save_identity(folder: Path, identity: Identity) -> None:
    """From here on this is who the node is; keys of earlier enrolments go. Raises `OSError`."""
    write_private(folder / _FILE, identity.model_dump_json().encode())
    for file in folder.glob("key-*.pem"):
        if file.name != identity.key:
            file.unlink()


def with_identity(settings: AgentSettings, identity: Identity) -> AgentSettings:
    return settings.model_copy(update=_settings(settings.state_dir, identity))


def read_settings() -> tuple[AgentSettings, EnrolmentToken | None]:
    """The settings, and the token with which the node has to enrol before it is what they say.

    Raises `AgentFailed`, and `ValidationError` for settings that are missing or wrong.
    """
    home = HomeSettings()
    token = _token(home)
    identity = load_identity(home.state_dir) if home.key_file is None else None
    if token is not None and (identity is None or identity.token_id != token.id):
        nobody_yet: dict[str, Any] = {"id": "-", "key_file": key_file(home.state_dir, token.id)}
        return AgentSettings(**nobody_yet), token
    if identity is None:
        return AgentSettings(), None
    known = _settings(home.state_dir, identity)
    if home.control_urls is None:
        known["control_urls"] = identity.control_urls
    return AgentSettings(**known), None


def _token(home: HomeSettings) -> EnrolmentToken | None:
    if home.enrol is None:
        return None
    if home.key_file is not None:
        raise AgentFailed("A node that enrols makes its own key: set no NEXUSVIBE_NODE_KEY_FILE.")
    try:
        return EnrolmentToken.parse(home.enrol.get_secret_value())
    except ValueError as error:
        raise AgentFailed(str(error)) from error


def _settings(folder: Path, identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.node,
        "key_file": folder / identity.key,
        "region": identity.region,
        "control_public_key": identity.control_public_key,
    }
