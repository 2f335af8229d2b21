"""Settings of TURN, from `NEXUSVIBE_TURN_…`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from control_plane.settings import Environment
from control_plane.turn.models import TurnServer


class TurnSettings(Environment):
    """The TURN servers that participants may relay through. Without servers there are no relays."""

    turn_servers: tuple[TurnServer, ...] = ()
    """JSON: `[{"id": "eu1", "host": "turn.example.org", "region": "eu", "udp": 3478, "tcp": 3478, "tls": 5349}]`."""
    turn_secrets: Path | None = None
    """The file of secrets shared with them; `nexusvibe turn rotate` makes and rotates it."""
    turn_ttl_s: Annotated[int, Field(ge=10, le=86_400)] = 3600
    """How long a credential is valid; it is refreshed after five sixths of that."""
    turn_price_per_gb: Annotated[float, Field(ge=0)] | None = None
    """What a relay's traffic costs, in whichever currency, for each 10^9 bytes that leave it."""

    @model_validator(mode="after")
    def _complete(self) -> "TurnSettings":
        if self.turn_servers and self.turn_secrets is None:
            raise ValueError("NEXUSVIBE_TURN_SERVERS needs NEXUSVIBE_TURN_SECRETS, the file of their shared secrets")
        if len({server.id for server in self.turn_servers}) < len(self.turn_servers):
            raise ValueError("two of NEXUSVIBE_TURN_SERVERS have the same id")
        return self
