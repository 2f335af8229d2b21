"""The schema and types that the SDK is built on are those of the messages that the server speaks."""

import json
import subprocess
import sys
from pathlib import Path

from control_plane.signaling.messages import CLIENT_MESSAGE, SERVER_MESSAGE

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "web" / "client" / "src" / "generated" / "protocol.schema.json"


def test_generated_files_are_those_of_the_messages() -> None:
    check = [sys.executable, str(ROOT / "tools" / "generate_protocol.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_message_type_is_in_the_schema() -> None:
    definitions = json.loads(SCHEMA.read_text("utf-8"))["$defs"]
    for name, adapter in (("ClientMessage", CLIENT_MESSAGE), ("ServerMessage", SERVER_MESSAGE)):
        mapping = adapter.json_schema()["discriminator"]["mapping"]
        assert set(definitions[name]["discriminator"]["mapping"]) == set(mapping)


def test_what_the_server_leaves_out_when_it_is_null_is_optional_and_all_else_is_there() -> None:
    definitions = json.loads(SCHEMA.read_text("utf-8"))["$defs"]
    assert set(definitions["ErrorMessage"]["required"]) == {"type", "code", "message", "retryable"}
    always = {"id", "identity", "name", "joined_at", "connected", "attributes", "stopped", "permissions", "client"}
    assert set(definitions["Participant"]["required"]) == always
