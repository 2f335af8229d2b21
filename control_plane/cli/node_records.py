"""`nexusvibe node add | approve | list | show | drain | undrain | remove`."""

import argparse
import asyncio
import re
import shlex
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from control_plane.cli.arguments import add_json, duration
from control_plane.cli.desk import moment
from control_plane.cli.output import write, write_json, write_table
from control_plane.database import Database, expect_migrated
from control_plane.ids import NodeId
from control_plane.nodes.identity import ControlKey
from control_plane.nodes.office import NodeOffice, NodeView
from control_plane.nodes.records import NodeRecord, NodeRecords
from control_plane.nodes.store import NodeStore
from control_plane.settings import DatabaseSettings, EnrolmentSettings, StateSettings
from control_plane.state import Redis

T = TypeVar("T")

NEEDS = """\
All but `run` need NEXUSVIBE_REDIS_URL, NEXUSVIBE_REDIS_CLUSTER and NEXUSVIBE_DATABASE_URL as the replicas have them,
and `add` NEXUSVIBE_CONTROL_KEY. Exit codes: 0 done, 1 not done (one line says why), 2 wrong usage."""

_COLUMNS = ("id", "region", "state", "media_server", "rooms", "streams", "capacity", "last_heard", "warnings")


def add(family: Any) -> None:
    new = family.add_parser("add", help="print the command that makes another machine a node, once")
    new.add_argument("id", type=_node_id, metavar="ID", help="how the node is to be called")
    new.add_argument("--region", type=_region, required=True, help="where it is: rooms are placed near people")
    new.add_argument(
        "--ttl", type=duration, default=timedelta(minutes=15), metavar="TIME",
        help="how long the token may be used (default: 15m)",
    )  # fmt: skip
    new.add_argument("--control-url", metavar="URL", help="where nodes reach replicas (default: NEXUSVIBE_PUBLIC_URL)")
    new.set_defaults(run=_add)
    listing = family.add_parser("list", help="all nodes, by id")
    listing.set_defaults(run=_list)
    each = {
        "show": ("all that is known of a node", _show),
        "approve": ("believe a node that has enrolled: it takes rooms from now on", _approve),
        "drain": ("no new rooms on this node; those that are there move to others", _drain),
        "undrain": ("new rooms again", _undrain),
        "remove": ("refuse the node's key from now on; its rooms move to other nodes", _remove),
    }
    parsers = [new, listing]
    for name, (help_, run) in each.items():
        parser = family.add_parser(name, help=help_)
        parser.add_argument("id", type=_node_id, metavar="ID")
        parser.set_defaults(run=run)
        parsers.append(parser)
    for parser in parsers:
        add_json(parser)


def _add(options: argparse.Namespace) -> int:
    settings = EnrolmentSettings()
    url = options.control_url or settings.public_url
    if not url:
        raise ValueError("Say where the node reaches the control plane: --control-url, or NEXUSVIBE_PUBLIC_URL.")
    key = ControlKey.from_pem(settings.control_key.get_secret_value()).public

    async def invite(office: NodeOffice) -> str:
        return str(await office.invite(options.id, options.region, options.ttl))

    token = _at_office(invite)
    given = ["--enrol", token, "--control-url", url, "--control-key", key]
    command = ["nexusvibe", "node", "run", "--backend", "janus", "--host", "0.0.0.0", *given]  # noqa: S104 -- printed
    if options.json:
        write_json({"id": options.id, "region": options.region, "token": token, "control_url": url, "control_key": key})
        return 0
    write(f"On the machine that becomes {options.id}, within {options.ttl} (the token is good for one machine):\n")
    write(f"  {shlex.join(command)}\n")
    write(f"Then, here: nexusvibe node approve {options.id}")
    return 0


def _list(options: argparse.Namespace) -> int:
    rows = [_row(view) for view in _at_office(lambda office: office.all())]
    if options.json:
        write_json(rows)
    else:
        counted = [row | {"warnings": len(row["warnings"]) or None} for row in rows]
        write_table(_COLUMNS, counted, "There are no nodes: `nexusvibe node add` makes one known.")
    return 0


def _show(options: argparse.Namespace) -> int:
    row = _details(_at_office(lambda office: office.get(options.id)))
    if options.json:
        write_json(row)
        return 0
    for name, value in row.items():
        for text in value if isinstance(value, list) else [value]:
            write_table((name,), [{name: text}], "")
    return 0


def _approve(options: argparse.Namespace) -> int:
    return _decide(options, lambda office: office.approve(options.id), "is approved: it takes rooms from now on.")


def _drain(options: argparse.Namespace) -> int:
    return _decide(
        options,
        lambda office: office.drain(options.id, draining=True),
        "takes no new rooms; those that it has move to others.",
    )


def _undrain(options: argparse.Namespace) -> int:
    return _decide(options, lambda office: office.drain(options.id, draining=False), "takes new rooms again.")


def _remove(options: argparse.Namespace) -> int:
    return _decide(options, lambda office: office.remove(options.id), "is removed: its key is refused, its rooms move.")


def _decide(options: argparse.Namespace, act: Callable[[NodeOffice], Awaitable[NodeRecord]], done: str) -> int:
    async def run(office: NodeOffice) -> tuple[NodeRecord, bool]:
        return await act(office), office.everybody_knows

    record, told = _at_office(run)
    if options.json:
        write_json({"id": record.id, "state": record.state, "draining": record.draining})
    else:
        write(f"{record.id} {done}")
        if not told:
            write("Redis can't be reached: replicas find out by themselves, within 5 seconds.")
    return 0


def _row(view: NodeView) -> dict[str, Any]:
    node = view.node
    return {
        "id": view.id,
        "region": view.region,
        "state": view.state,
        "media_server": f"{node.backend} {node.version}" if node else None,
        "rooms": node.load.rooms if node else None,
        "streams": node.load.streams if node else None,
        "capacity": node.capacity if node else None,
        "last_heard": moment(node.last_heartbeat) if node else None,
        "warnings": list(node.warnings) if node else [],
    }


def _details(view: NodeView) -> dict[str, Any]:
    node, record = view.node, view.record
    return _row(view) | {
        "url": node.url if node else None,
        "capabilities": " ".join(sorted(node.capabilities)) if node else None,
        "cpu": round(node.load.cpu, 2) if node else None,
        "reserved": node.reserved if node else None,
        "started": moment(node.started_at) if node else None,
        "public_key": record.public_key if record else None,
        "enrolled": record.enrolled_at if record else None,
        "approved": record.approved_at if record else None,
    }


def _at_office(act: Callable[[NodeOffice], Awaitable[T]]) -> T:
    """Raises `RedisUnreachable`, `DatabaseUnreachable`, `NotMigrated`, and what `act` raises."""

    async def run() -> T:
        where = StateSettings()
        async with (
            Database.connect(DatabaseSettings().database_url) as database,
            Redis.connect(where.redis_url, cluster=where.redis_cluster) as redis,
        ):
            await expect_migrated(database)
            return await act(NodeOffice(NodeRecords(database), NodeStore(redis), redis))

    return asyncio.run(run())


def _node_id(text: str) -> NodeId:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
        raise argparse.ArgumentTypeError("nodes are named with letters, digits and . _ -, at most 64")
    return NodeId(text)


def _region(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
        raise argparse.ArgumentTypeError("regions are named with letters, digits and . _ -, at most 64")
    return text
