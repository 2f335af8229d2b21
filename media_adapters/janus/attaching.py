"""Whether a Janus that somebody else runs can be used: looked at once, so that it does not fail under people."""

import secrets
from typing import Final

from media_adapters.janus.client import JanusClient, JanusError
from media_adapters.janus.installation import OLDEST, dotted, parse_version
from media_adapters.registry import BackendUnavailable

_WHAT_TO_DO: Final = {
    430: "set string_ids = true in the `general` part of janus.plugin.videoroom.jcfg",
    429: "its VideoRoom has an admin_key: name a file that holds it with the option admin_key_file",
    433: "its VideoRoom has another admin_key than the one in admin_key_file",
}
"""By VideoRoom's error codes."""


async def expect_usable(client: JanusClient, admin_key: str) -> None:
    """Make a room as we would, and end it again. Raises `BackendUnavailable` with what to change."""
    version = str((await client.info()).get("version_string", "0"))
    if parse_version(version) < OLDEST:
        raise BackendUnavailable(f"Janus {version} is too old: {dotted(OLDEST)} is needed.")
    handle = await client.attach(lambda _message: None)
    room = f"nexusvibe-probe-{secrets.token_hex(8)}"
    try:
        await handle.message({"request": "create", "room": room, "is_private": True, "admin_key": admin_key})
        await handle.message({"request": "destroy", "room": room})
    except JanusError as error:
        advice = _WHAT_TO_DO.get(error.code, "its own log says more")
        raise BackendUnavailable(f"This Janus makes no room for us (code {error.code}): {advice}.") from error
    finally:
        await client.detach(handle)
