"""`nexusvibe turn rotate | secrets | check | usage | run`."""

import argparse
import asyncio
import re
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from control_plane.cli.arguments import add_family, add_json, duration
from control_plane.cli.desk import room_name
from control_plane.cli.output import write, write_json, write_table
from control_plane.ids import RoomId
from control_plane.rooms.routes.usage import Usage, usage_view
from control_plane.settings import StateSettings, TokenSettings, default_data_dir
from control_plane.state import Redis
from control_plane.turn.coturn import PeerRange, RelaySettings
from control_plane.turn.credentials import OpaqueIds, mint
from control_plane.turn.probe import probe
from control_plane.turn.secrets import KEPT, SecretsFile, TurnSecret, read, rotated, signing
from control_plane.turn.secrets import write as write_secrets
from control_plane.turn.settings import TurnSettings
from control_plane.turn.usage import KEPT_DAYS, TurnUsage
from control_plane.up import relay

DESCRIPTION = """\
Relays for people whose network lets nothing else through, and for rooms in which nobody may learn an address.

  nexusvibe turn rotate                       makes the file of shared secrets, later a new secret in it
  nexusvibe turn run --allow-peer 10.0.0.7    a coturn here, which relays to that media node and to nothing else
  nexusvibe turn check                        asks every server for a relay, as a client would
  nexusvibe turn usage wedding                what the people of that room relayed, and what it cost

Replicas and relays read the same file (NEXUSVIBE_TURN_SECRETS, or --secrets). Both notice a change within a second.
A new secret is taken by relays at once and signed with after --delay: until then copy the file to all machines."""


def add(commands: Any) -> None:
    family = add_family(commands, "turn", "TURN relays and the secrets shared with them", DESCRIPTION)
    rotate = family.add_parser("rotate", help="add a secret to the file, and drop those that nobody needs any more")
    rotate.add_argument(
        "--delay", type=duration, default=timedelta(minutes=5), metavar="TIME",
        help="when replicas begin to sign with it: time to copy the file (default: 5m)",
    )  # fmt: skip
    rotate.add_argument("--force", action="store_true", help="now, and forget the others: a secret has leaked")
    rotate.set_defaults(run=_rotate)
    listing = family.add_parser("secrets", help="how old the secrets are and which is in use; not what they are")
    listing.set_defaults(run=_secrets)
    check = family.add_parser("check", help="allocate a relay on every server, over every transport")
    check.set_defaults(run=_check)
    usage = family.add_parser(
        "usage", help="bytes that a room relayed, by day", description="As relays report it that run with --report-to."
    )
    usage.add_argument("room", type=room_name)
    usage.add_argument("--days", type=int, choices=range(1, KEPT_DAYS + 1), default=KEPT_DAYS, metavar="DAYS")
    usage.set_defaults(run=_usage)
    run = family.add_parser("run", help="run a coturn here until Ctrl-C", description=_RUN)
    _add_run(run)
    run.set_defaults(run=_run)
    for each in (rotate, listing, run):
        each.add_argument("--secrets", type=Path, metavar="FILE", help="the file of shared secrets")
    for each in (rotate, listing, check, usage):
        add_json(each)


_RUN = """\
Everything is denied but the peers that are allowed: media nodes, and other relays where people call each other
directly.
Clients reach it over UDP and TCP, with a certificate also over TLS."""


def _add_run(run: argparse.ArgumentParser) -> None:
    plain = RelaySettings()
    run.add_argument("--allow-peer", action="append", type=PeerRange.parse, default=[], metavar="ADDRESS[-LAST]")
    run.add_argument("--listen", action="append", default=[], metavar="ADDRESS", help="default: all of this machine")
    run.add_argument("--external", metavar="ADDRESS", help="the public address, behind a one-to-one NAT")
    run.add_argument("--realm", default=plain.realm)
    run.add_argument("--port", type=int, default=plain.port, help="UDP and TCP (default: %(default)s)")
    run.add_argument("--tls-port", type=int, default=plain.tls_port, help="default: %(default)s")
    run.add_argument("--cert", type=Path, metavar="FILE", help="certificate chain (PEM); read again when it changes")
    run.add_argument("--key", type=Path, metavar="FILE", help="its private key (PEM)")
    run.add_argument("--relay-ports", type=_ports, default=plain.relay_ports, metavar="FIRST-LAST")
    run.add_argument("--allocations", type=int, default=plain.allocations, help="in all (default: %(default)s)")
    run.add_argument(
        "--per-participant", type=int, default=plain.allocations_per_participant,
        help="how many one participant has at once (default: %(default)s)",
    )  # fmt: skip
    run.add_argument(
        "--max-bitrate", type=int, default=plain.max_bitrate, help="of one allocation, bits/s (default: %(default)s)"
    )
    run.add_argument(
        "--total-bitrate", type=int, default=plain.total_bitrate, help="of all together, bits/s (default: no limit)"
    )
    run.add_argument(
        "--report-to", type=_control_url, metavar="URL",
        help="the control plane's address: tell it what rooms relay, and end what people relay whom it sends away",
    )  # fmt: skip
    run.add_argument("--name", default=_own_name(), help="what it calls itself there (default: %(default)s)")


def _rotate(options: argparse.Namespace) -> int:
    file = _file(options)
    known = read(file) if file.exists() else ()
    now, ttl = int(time.time()), TurnSettings.model_fields["turn_ttl_s"].default
    if options.force:
        known, delay = (), 0
    else:
        delay = int(options.delay.total_seconds())
    known = rotated(known, now, delay=delay, ttl=ttl)
    write_secrets(file, known)
    if options.json:
        write_json({"file": str(file), "secrets": _rows(known, now)})
    elif len(known) == 1:
        write(f"{file} holds one secret, in use from now on.")
    else:
        write(f"{file} has a new secret, in use from {_time(known[-1].not_before):%H:%M:%S} UTC; until then copy it.")
    return 0


def _secrets(options: argparse.Namespace) -> int:
    rows = _rows(read(_file(options)), time.time())
    if options.json:
        write_json(rows)
    else:
        write_table(("since", "state"), rows, "")
    return 0


def _rows(known: tuple[TurnSecret, ...], now: float) -> list[dict[str, Any]]:
    current = signing(known, now)
    return [
        {
            "since": _time(secret.not_before),
            "state": "signing" if secret is current else "next" if secret.not_before > now else "accepted",
        }
        for secret in known[-KEPT - 1 :]
    ]


def _check(options: argparse.Namespace) -> int:
    """Exit code 1 when a server does not relay."""
    rows = asyncio.run(_probe_all(TurnSettings()))
    if options.json:
        write_json(rows)
    else:
        write_table(("server", "region", "url", "result"), rows, "NEXUSVIBE_TURN_SERVERS names no server.")
    return int(any(row["result"] != "relays" for row in rows))


async def _probe_all(settings: TurnSettings) -> list[dict[str, Any]]:
    if settings.turn_secrets is None:
        return []
    secret = signing(SecretsFile(settings.turn_secrets).known(), time.time())
    credential = mint(secret.value, "check", int(time.time()) + 60)
    pairs = [(server, transport) for server in settings.turn_servers for transport in server.transports]
    results = await asyncio.gather(*(probe(server, transport, credential) for server, transport in pairs))
    return [
        {"server": server.id, "region": server.region, "url": server.url(transport), "result": problem or "relays"}
        for (server, transport), problem in zip(pairs, results, strict=True)
    ]


def _usage(options: argparse.Namespace) -> int:
    found = asyncio.run(_usage_of(options.room, options.days))
    if options.json:
        write_json(found.model_dump())
    else:
        rows = [day.model_dump() for day in found.days]
        total = {"day": "all", **found.model_dump(include={"received_bytes", "sent_bytes", "cost"})}
        write_table(
            ("day", "received_bytes", "sent_bytes", "cost"), [*rows, total] if rows else [], "Nothing was relayed."
        )
    return 0


async def _usage_of(room: RoomId, days: int) -> Usage:
    where, opaque = StateSettings(), OpaqueIds(TokenSettings().token_secret.get_secret_value())
    async with Redis.connect(where.redis_url, cluster=where.redis_cluster) as redis:
        traffic = await TurnUsage(redis).of(opaque.room(room), time.time(), days)
    return usage_view(room, traffic, TurnSettings().turn_price_per_gb)


def _run(options: argparse.Namespace) -> int:
    settings = RelaySettings(
        realm=options.realm,
        listen=options.listen,
        external=options.external,
        port=options.port,
        tls_port=options.tls_port,
        certificate=options.cert,
        private_key=options.key,
        relay_ports=options.relay_ports,
        peers=tuple(options.allow_peer),
        allocations=options.allocations,
        allocations_per_participant=options.per_participant,
        max_bitrate=options.max_bitrate,
        total_bitrate=options.total_bitrate,
    )
    return relay.run(relay.Relay(settings, _file(options), options.report_to, options.name))


def _file(options: argparse.Namespace) -> Path:
    given: Path | None = options.secrets
    return given or TurnSettings().turn_secrets or default_data_dir() / "turn-secrets"


def _control_url(text: str) -> str:
    """Where to report; in the clear on loopback only."""
    url = urlsplit(text)
    local = url.hostname in {"localhost", "127.0.0.1", "::1"}
    if url.hostname is None or url.query or not (url.scheme == "https" or (url.scheme == "http" and local)):
        raise argparse.ArgumentTypeError("reports go to an https:// address")
    return text.rstrip("/")


def _own_name() -> str:
    """This machine's name, as far as it can be a relay's."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()).lstrip("-._")
    return name[:64] or "relay"


def _ports(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal()):
        raise argparse.ArgumentTypeError("a range is FIRST-LAST")
    return int(first), int(last)


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
