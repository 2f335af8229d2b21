"""Settings, from the environment (`NEXUSVIBE_…`), a `.env` file, or files in `NEXUSVIBE_SECRETS_DIR`."""

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, IPvAnyNetwork, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from control_plane.ids import NodeId, ReplicaId, new_id

FramingOrigin = Annotated[str, Field(pattern=r"^https?://(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:([0-9]{1,5}|\*))?$")]
"""As in a Content-Security-Policy: `https://shop.example.org`, `https://*.example.org`, `http://localhost:*`."""


def default_data_dir() -> Path:
    """Where programs keep what should outlive a restart (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local/state") / "nexusvibe"


class Environment(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="NEXUSVIBE_",
        env_file=".env",
        secrets_dir=os.environ.get("NEXUSVIBE_SECRETS_DIR"),
        extra="ignore",
    )


class DatabaseSettings(Environment):
    """Where what must outlive every process is."""

    database_url: Annotated[str, Field(default_factory=lambda: f"sqlite:///{default_data_dir()}/nexusvibe.db")]
    """`postgresql://user:password@host/name` or `sqlite:///FILE`; left out, the file that `nexusvibe up` uses."""


class StateSettings(Environment):
    """Where live state is."""

    redis_url: str = "redis://127.0.0.1:6379/0"
    """`redis://`, `rediss://` or `unix://`; with `redis_cluster` any node of the cluster."""
    redis_cluster: bool = False


class TokenSettings(Environment):
    """What minting and verifying room tokens takes."""

    token_secret: SecretStr
    """Signs and verifies room tokens (HS256); at least 32 bytes."""


class ControlKeySettings(Environment):
    """How media nodes know this control plane."""

    control_key: SecretStr
    """This control plane's Ed25519 private key (PKCS#8 PEM): how media nodes know its replicas."""


class EnrolmentSettings(ControlKeySettings):
    """What somebody who makes another machine a media node has to be told."""

    public_url: str | None = None
    """Where nodes reach the control plane: `https://…`."""


class GeoSettings(Environment):
    """How to tell in which region somebody is who does not say so. Addresses are looked up and kept nowhere."""

    geoip_file: Path | None = None
    """A database in MaxMind's format (mmdb) that knows countries, such as GeoLite2-Country."""
    geoip_countries: dict[str, str] = {}
    """JSON: region of a country (ISO 3166-1), such as `{"BR": "south"}`; comes before its continent's."""
    geoip_continents: dict[str, str] = {}
    """JSON: region of a continent (AF, AN, AS, EU, NA, OC, SA), such as `{"EU": "eu", "NA": "us"}`."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """JSON: networks of the proxies before the replicas, whose X-Forwarded-For is believed."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.geoip_file is not None and not (self.geoip_countries or self.geoip_continents):
            raise ValueError("NEXUSVIBE_GEOIP_FILE needs NEXUSVIBE_GEOIP_CONTINENTS or NEXUSVIBE_GEOIP_COUNTRIES")
        return self


class Settings(ControlKeySettings, DatabaseSettings, StateSettings, TokenSettings, GeoSettings):
    """One replica of the control plane.

    Secrets may be given as files named like the variable in lower case (`nexusvibe_token_secret`) in the secrets
    directory.
    """

    replica_id: Annotated[ReplicaId, Field(default_factory=lambda: ReplicaId(new_id("r")))]
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Where clients, integrators and heartbeats arrive. 0 takes a free port."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    """PEM files, for a replica without a proxy in front; read again when they change, and at SIGHUP."""

    trusted_nodes: dict[NodeId, str] = {}
    """Public key (base64, 32 bytes) of each media node that is believed without having enrolled."""

    node_joins_per_s: Annotated[int, Field(ge=0)] = 200
    """How many joins a media node takes in a second before rooms are placed on others; 0: as many as come."""

    api_requests_per_minute: Annotated[int, Field(ge=1)] = 600
    """How often one API key may ask this replica."""

    web_root: Path | None = None
    """Folder with the built web client; without one only the API is served."""

    embed_origins: list[FramingOrigin] = []
    """Whose pages may show rooms in a frame. Pages that use the SDK need not be here."""

    metrics_listen: str | None = None
    """Address and port where /metrics is served, and nothing else; without one it is not."""

    log_level: str = "info"
    log_format: str = "console"
    """`console` for people, `json` for machines."""
