"""A TURN server as the operator describes it."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

HOST = r"^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])$"
Port = Annotated[int, Field(ge=1, le=65535)]


class TurnTransport(StrEnum):
    """How a client reaches the server (RFC 7065 §3)."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class TurnServer(BaseModel):
    """`host` is a name or an address (IPv6 in brackets). A transport without a port is not offered.

    Of the servers of one region, one with twice the `weight` gets twice as many participants.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    host: Annotated[str, Field(pattern=HOST)]
    region: str = ""
    weight: Annotated[float, Field(gt=0, le=1000)] = 1
    udp: Port | None = None
    tcp: Port | None = None
    tls: Port | None = None

    @model_validator(mode="after")
    def _reachable(self) -> "TurnServer":
        if not self.transports:
            raise ValueError("give at least one of udp, tcp and tls a port")
        return self

    @property
    def transports(self) -> tuple[TurnTransport, ...]:
        return tuple(transport for transport in TurnTransport if self.port(transport) is not None)

    def port(self, transport: TurnTransport) -> int | None:
        port: int | None = getattr(self, transport.value)
        return port

    def url(self, transport: TurnTransport) -> str:
        """As RTCIceServer wants it (RFC 7065)."""
        scheme, over = ("turns", "tcp") if transport is TurnTransport.TLS else ("turn", transport.value)
        return f"{scheme}:{self.host}:{self.port(transport)}?transport={over}"
