"""Settings of one media node, from the environment (`NEXUSVIBE_NODE_…`) or a `.env` file."""

import ipaddress
import os
import socket
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from yarl import URL

from media_adapters.agent.errors import AgentFailed
from media_adapters.models import NodeId
from media_adapters.wire import PATH

Port = Annotated[int, Field(ge=0, le=65535)]
MediaPort = Annotated[int, Field(ge=1, le=65535)]


def default_state_dir() -> Path:
    """Where systemd says, or else where programs keep what should outlive a restart (XDG Base Directory)."""
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given)
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local/state") / "nexusvibe-node"


class _NodeSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="NEXUSVIBE_NODE_", env_file=".env", extra="ignore")

    state_dir: Annotated[Path, Field(default_factory=default_state_dir)]
    """Where a node that enrols keeps its key, who it is, and the certificate that it makes."""


class HomeSettings(_NodeSettings):
    """What has to be known first: it says whether the rest is in the settings or in the state folder."""

    enrol: SecretStr | None = None
    """A token of `nexusvibe node add`."""
    key_file: Path | None = None
    control_urls: Annotated[str | None, NoDecode] = None


class AgentSettings(_NodeSettings):
    """What an operator says about a node. One that enrols learns the first three and its region by that."""

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
    """PEM files. Off loopback the RPC is served over TLS only: with these, by a proxy that a wss:// `public_url` names,
    or with a certificate that the node makes for itself."""

    backend: str
    """The media server: an installed adapter such as `janus`."""
    attach: str | None = None
    """The URL of a media server that runs already: the agent starts and stops none."""
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
    def _certificate_and_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        return self

    @property
    def makes_certificate(self) -> bool:
        """Whether TLS is needed and nobody has said how."""
        behind_proxy = (self.public_url or "").startswith("wss://")
        return self.tls_certificate is None and not behind_proxy and not _is_loopback(self.host)

    def url(self, port: int) -> str:
        """Where replicas dial, when the agent listens on `port`. Raises `AgentFailed` when that can't be known."""
        scheme = "wss" if self.tls_certificate or self.makes_certificate else "ws"
        address = _towards(self.control_urls[0]) if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 -- compared
        host = f"[{address}]" if ":" in address else address
        return self.public_url or f"{scheme}://{host}:{port}{PATH}"


def _towards(url: str) -> str:
    """This machine's address on the way to the control plane. Sends nothing: connecting UDP looks the route up."""
    there = URL(url)
    try:
        targets = socket.getaddrinfo(there.host, there.port, type=socket.SOCK_DGRAM)
    except OSError:
        targets = []
    for family, kind, _, _, target in targets:
        with socket.socket(family, kind) as probe:
            try:
                probe.connect(target)
            except OSError:
                continue
            address: str = probe.getsockname()[0]
            return address
    raise AgentFailed(f"There is no way to {url}: say what replicas dial, NEXUSVIBE_NODE_PUBLIC_URL (--public-url).")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
