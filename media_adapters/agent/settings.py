"""Settings of one media node, from the environment (`NEXUSVIBE_NODE_…`) or a `.env` file."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from media_adapters.models import NodeId
from media_adapters.wire import PATH

Port = Annotated[int, Field(ge=0, le=65535)]
MediaPort = Annotated[int, Field(ge=1, le=65535)]


class AgentSettings(BaseSettings):
    """What an operator says about a node."""

    model_config = SettingsConfigDict(env_prefix="NEXUSVIBE_NODE_", env_file=".env", extra="ignore")

    id: NodeId
    key_file: Path
    """The node's own Ed25519 private key (PKCS#8 PEM)."""
    control_public_key: str
    """The control plane's Ed25519 public key, base64 of 32 bytes: only its replicas are served."""
    control_urls: Annotated[tuple[str, ...], NoDecode, Field(min_length=1)]
    """Where heartbeats go, separated by commas: the public address of the control plane, or several replicas."""

    host: str = "127.0.0.1"
    port: Port = 7800
    """Where replicas dial. 0 takes a free port."""
    public_url: str | None = None
    """What replicas dial when it is not `host` and `port`: behind a proxy or another name."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    """PEM files. Off loopback the RPC is served over TLS only, by these or by a proxy that `public_url` names."""

    backend: str
    """The media server: an installed adapter such as `janus`."""
    region: str = "default"
    capacity: Annotated[int, Field(gt=0)] = 1000
    """RTP streams, both directions together, that this machine is good for."""
    media_address: str | None = None
    rtp_ports: tuple[MediaPort, MediaPort] = (20000, 29999)
    """The first and the last port that media may use, as JSON."""
    run_dir: Path = Path("/run/nexusvibe")
    options: dict[str, str] = {}
    """The backend's own options, as JSON."""

    heartbeat_interval: Annotated[float, Field(gt=0)] = 1.0
    room_lease: Annotated[float, Field(gt=0)] = 30.0
    """Seconds that a room stays after its driver was last heard."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @model_validator(mode="before")
    @classmethod
    def _split_urls(cls, values: object) -> object:
        if isinstance(values, dict) and isinstance(urls := values.get("control_urls"), str):
            return {**values, "control_urls": tuple(url.strip() for url in urls.split(",") if url.strip())}
        return values

    @field_validator("rtp_ports")
    @classmethod
    def _in_order(cls, ports: tuple[int, int]) -> tuple[int, int]:
        first, last = ports
        if first > last:
            raise ValueError(f"the first port, {first}, comes after the last, {last}")
        return ports

    @model_validator(mode="after")
    def _tls_off_loopback(self) -> Self:
        served = self.tls_certificate is not None or (self.public_url or "").startswith("wss://")
        if not served and not _is_loopback(self.host):
            raise ValueError(
                f"host {self.host} is not loopback: set tls_certificate and tls_key, or a wss:// public_url"
            )
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        return self

    def url(self, port: int) -> str:
        """Where replicas dial, when the agent listens on `port`."""
        scheme = "wss" if self.tls_certificate else "ws"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"{scheme}://{host}:{port}{PATH}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
