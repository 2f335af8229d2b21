"""coturn's configuration: a relay that answers to our secrets only and reaches nothing but what it is told.

Shared secrets are not in it. They live in coturn's own database, which it reads at every authentication, so that a
rotation needs no restart (a restart would cut every call that it relays).
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, model_validator

from control_plane.turn.models import Port

EVERY_PEER = ("0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")

_ALWAYS = """\
use-auth-secret
fingerprint
stale-nonce=600
no-tcp-relay
no-multicast-peers
no-software-attribute
no-rfc5780
no-stun-backward-compatibility
response-origin-only-with-rfc5780
no-tlsv1
no-tlsv1_1
log-file=stdout
simple-log
"""


class PeerRange(BaseModel):
    """Addresses that may be relayed to: media nodes, or other relays."""

    model_config = ConfigDict(frozen=True)

    first: IPvAnyAddress
    last: IPvAnyAddress

    @classmethod
    def parse(cls, text: str) -> "PeerRange":
        """`ADDRESS` or `FIRST-LAST`. Raises `ValueError`."""
        first, _, last = text.partition("-")
        return cls.model_validate({"first": first, "last": last or first})

    @model_validator(mode="after")
    def _ordered(self) -> "PeerRange":
        if self.first.version != self.last.version or int(self.first) > int(self.last):
            raise ValueError(f"{self} is no range of addresses")
        return self

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def loopback(self) -> bool:
        return self.first.is_loopback


class RelaySettings(BaseModel):
    """One relay. Rates in bits/s; coturn itself counts bytes.

    `listen` are the addresses that clients reach it at, all of the machine when empty; `external` is its public address
    behind a one-to-one NAT. `peers` are all that it relays to. Without a certificate there is no TLS.
    """

    model_config = ConfigDict(frozen=True)

    realm: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")] = "nexusvibe"
    listen: tuple[IPvAnyAddress, ...] = ()
    external: IPvAnyAddress | None = None
    port: Port = 3478
    tls_port: Port = 5349
    certificate: Path | None = None
    private_key: Path | None = None
    relay_ports: tuple[Port, Port] = (49152, 65535)
    peers: tuple[PeerRange, ...] = ()
    allocations_per_participant: Annotated[int, Field(ge=1)] = 12
    allocations: Annotated[int, Field(ge=1)] = 2400
    max_bitrate: Annotated[int, Field(ge=8_000)] = 8_000_000
    total_bitrate: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _complete(self) -> "RelaySettings":
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("TLS needs both a certificate and its private key")
        if self.relay_ports[0] > self.relay_ports[1]:
            raise ValueError("the range of relay ports ends before it begins")
        return self


class Control(BaseModel):
    """How whoever runs coturn hears and commands it, on loopback: its `redis-statsdb` and its command line."""

    model_config = ConfigDict(frozen=True)

    statistics: Annotated[str, Field(repr=False)]
    cli_port: Port
    cli_password: Annotated[str, Field(repr=False)]


def configuration(settings: RelaySettings, folder: Path, control: Control | None = None) -> str:
    """The text of `turnserver.conf`; `folder` holds the relay's database and process id."""
    lines = (*_lines(settings, folder), *_control(control))
    return _ALWAYS + "".join(f"{line}\n" for line in lines)


def _lines(settings: RelaySettings, folder: Path) -> Iterable[str]:
    yield f"realm={settings.realm}"
    yield f"userdb={database(folder)}"
    yield f"pidfile={folder / 'turnserver.pid'}"
    yield f"listening-port={settings.port}"
    for address in settings.listen:
        yield f"listening-ip={address}"
        yield f"relay-ip={address}"
    if settings.listen and all(address.version == 6 for address in settings.listen):
        # Who names no family means IPv4 (RFC 8656 §7.2), as browsers do, and there is none to be had here.
        yield "allocation-default-address-family=ipv6"
    if settings.external is not None:
        yield f"external-ip={settings.external}"
    if settings.certificate is None:
        yield from ("no-tls", "no-dtls")
    else:
        yield f"tls-listening-port={settings.tls_port}"
        yield f"cert={settings.certificate}"
        yield f"pkey={settings.private_key}"
        yield "no-dtls"
    yield f"min-port={settings.relay_ports[0]}"
    yield f"max-port={settings.relay_ports[1]}"
    yield from _limits(settings)
    yield from _peers(settings.peers)


def _limits(settings: RelaySettings) -> Iterable[str]:
    yield f"user-quota={settings.allocations_per_participant}"
    yield f"total-quota={settings.allocations}"
    yield f"max-bps={settings.max_bitrate // 8}"
    if settings.total_bitrate:
        yield f"bps-capacity={settings.total_bitrate // 8}"


def _control(control: Control | None) -> Iterable[str]:
    if control is None:
        yield "no-cli"
        return
    yield f'redis-statsdb="{control.statistics}"'
    yield "cli-ip=127.0.0.1"
    yield f"cli-port={control.cli_port}"
    yield f"cli-password={control.cli_password}"


def _peers(peers: Iterable[PeerRange]) -> Iterable[str]:
    """Deny everything, then allow what was named; an allowed address wins over a denied range."""
    for everything in EVERY_PEER:
        yield f"denied-peer-ip={everything}"
    allowed = tuple(peers)
    for peer in allowed:
        yield f"allowed-peer-ip={peer}"
    if any(peer.loopback for peer in allowed):
        yield "allow-loopback-peers"


def database(folder: Path) -> Path:
    return folder / "turndb"


def share_secrets(folder: Path, realm: str, values: Iterable[str]) -> None:
    """Make `values` all that the relay takes, in one transaction. It makes its database at its first start, so this may
    come first: the table is the one that coturn's `schema.sql` describes."""
    with closing(sqlite3.connect(database(folder), timeout=5)) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS turn_secret (realm varchar(127), value varchar(256), primary key (realm,value))"
        )
        connection.execute("DELETE FROM turn_secret WHERE realm = ?", (realm,))
        connection.executemany("INSERT INTO turn_secret VALUES (?, ?)", [(realm, value) for value in values])
