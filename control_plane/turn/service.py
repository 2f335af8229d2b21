"""What a participant is given to reach the media through: servers and a credential of its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from control_plane.clock import Clock
from control_plane.ids import ParticipantId
from control_plane.signaling.messages import IceServer
from control_plane.turn.credentials import OpaqueIds, TurnCredential, mint
from control_plane.turn.health import TurnHealth
from control_plane.turn.models import TurnServer
from control_plane.turn.policy import Choice, Usable, choose
from control_plane.turn.secrets import SecretsFile, TurnSecret, signing
from control_plane.turn.settings import TurnSettings
from media_adapters.models import RoomRef

PROBER = "probe"
REFRESHED_AFTER = 5 / 6
"""Of a credential's life: 50 of 60 minutes."""


@dataclass(frozen=True, slots=True)
class IceServers:
    """`refresh_at` and `expires_at` in seconds since the epoch; None when there is nothing that expires."""

    servers: tuple[IceServer, ...] = ()
    refresh_at: float | None = None
    expires_at: int | None = None


class TurnRelays:
    """The operator's TURN servers. Without any, participants connect without a relay."""

    def __init__(
        self, servers: Sequence[TurnServer], secrets: SecretsFile | None, opaque: OpaqueIds, ttl: int, clock: Clock
    ) -> None:
        self._servers = tuple(servers)
        self._secrets = secrets
        self.opaque = opaque
        self._ttl = ttl
        self._clock = clock
        self._health: TurnHealth | None = None
        self.price_per_gb: float | None = None
        self.minted = 0

    @classmethod
    @asynccontextmanager
    async def start(cls, settings: TurnSettings, opaque_key: str, clock: Clock) -> AsyncIterator[Self]:
        """Probe the servers until left. Raises `SecretsUnusable`."""
        servers = settings.turn_servers
        secrets = SecretsFile(settings.turn_secrets) if settings.turn_secrets is not None else None
        relays = cls(servers, secrets, OpaqueIds(opaque_key), settings.turn_ttl_s, clock)
        relays.price_per_gb = settings.turn_price_per_gb
        async with TurnHealth.watch(servers, lambda: relays._credential(PROBER)) as relays._health:
            yield relays

    def offer(self, room: RoomRef, participant: ParticipantId, region: str | None = None) -> IceServers:
        """Servers near `region` with a credential for this participant."""
        return self.offer_to(self.opaque.of(room, participant), region)

    def offer_to(self, opaque: str, region: str | None = None) -> IceServers:
        """As `offer`, for whoever is known to the relay as `opaque`."""
        choices = choose(self._servers, self.usable, opaque, region)
        if not choices:
            return IceServers()
        now = self._clock.now()
        credential = self._credential(opaque)
        self.minted += 1
        return IceServers(
            servers=tuple(_ice_server(choice, credential) for choice in choices),
            refresh_at=now + self._ttl * REFRESHED_AFTER,
            expires_at=int(now) + self._ttl,
        )

    @property
    def servers(self) -> Sequence[TurnServer]:
        return self._servers

    @property
    def usable(self) -> Usable:
        return self._health.usable if self._health else {}

    @property
    def exist(self) -> bool:
        return bool(self._servers)

    @property
    def ttl(self) -> int:
        """Seconds that a credential is valid."""
        return self._ttl

    def secrets(self) -> tuple[TurnSecret, ...]:
        """What is shared with relays now; nothing without relays."""
        return self._secrets.known() if self._secrets is not None else ()

    def _credential(self, opaque: str) -> TurnCredential:
        if self._secrets is None:
            raise RuntimeError("credentials are minted for servers, and servers come with secrets")
        now = self._clock.now()
        return mint(signing(self._secrets.known(), now).value, opaque, int(now) + self._ttl)


def _ice_server(choice: Choice, credential: TurnCredential) -> IceServer:
    return IceServer(
        urls=tuple(choice.server.url(transport) for transport in choice.transports),
        username=credential.username,
        credential=credential.password,
    )
