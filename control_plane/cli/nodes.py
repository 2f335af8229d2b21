"""`nexusvibe node run`, and where `nexusvibe node …` begins."""

import argparse
import json
import os
import re
import sys
from typing import Any

from control_plane.cli import node_records
from control_plane.cli.arguments import add_family

DESCRIPTION = f"""\
A media node is one machine with a media server (SFU) and the agent that runs it.

  nexusvibe node add node1 --region eu        prints the command to run on the other machine, once
  nexusvibe node approve node1                after it has enrolled; from then on it takes rooms
  nexusvibe node list                         all nodes: what they run and carry
  nexusvibe node drain node1                  no new rooms on it; those that are there move
  nexusvibe node remove node1                 its key is refused from now on, its rooms move to other nodes

On the node itself, once it has enrolled:

  nexusvibe node run --backend janus --host 0.0.0.0
  nexusvibe node run --backend mediasoup --rtp-ports 40000-40100 --media-address 203.0.113.7

Settings of a node are NEXUSVIBE_NODE_… variables or a .env file (docs/operator.md); options of `run` come before them.
On the machine of `nexusvibe up` nothing of this is needed.

{node_records.NEEDS}"""

_PREFIX = "NEXUSVIBE_NODE_"
_VARIABLES = {"control_url": "CONTROL_URLS", "control_key": "CONTROL_PUBLIC_KEY"}


def add(commands: Any) -> None:
    family = add_family(commands, "node", "media nodes", DESCRIPTION)
    run = family.add_parser("run", help="run a media node here; settings come from NEXUSVIBE_NODE_… variables")
    run.add_argument(
        "--backend", metavar="SFU", help="which media server to run: janus, mediasoup or another installed"
    )
    run.add_argument("--enrol", metavar="TOKEN", help="become a node, with a token of `nexusvibe node add`")
    run.add_argument("--control-url", metavar="URL", help="where the control plane is; several between commas")
    run.add_argument("--control-key", metavar="KEY", help="its public key: only its replicas are served")
    run.add_argument("--state-dir", metavar="FOLDER", help="where the node's key is kept, and who it is")
    run.add_argument("--id", metavar="NAME", help="the name under which replicas trust a key that was given to them")
    run.add_argument("--host", metavar="ADDRESS", help="where the agent listens for replicas: 0.0.0.0 for all of it")
    run.add_argument("--port", type=_port, help="the same; 0 takes a free one")
    run.add_argument("--public-url", metavar="URL", help="what replicas dial, behind a proxy or a NAT")
    run.add_argument(
        "--attach", metavar="URL", help="use the media server that runs there, such as ws://127.0.0.1:8188"
    )
    run.add_argument("--media-address", metavar="ADDRESS", help="the address that is offered to clients for media")
    run.add_argument(
        "--rtp-ports", type=_port_range, metavar="FIRST-LAST", help="ports that media may use, such as 20000-29999"
    )
    run.add_argument("--run-dir", metavar="FOLDER", help="private to this agent; a second one in it is refused")
    run.add_argument(
        "--option", action="append", type=_option, metavar="NAME=TEXT", dest="options",
        help="an option of the media server's adapter; may be given several times",
    )  # fmt: skip
    run.set_defaults(run=_run)
    node_records.add(family)


def _run(options: argparse.Namespace) -> int:
    """Become the node agent: another process in all but name, which knows nothing of the control plane's code."""
    os.environ.update(_settings(options))
    os.execv(sys.executable, [sys.executable, "-m", "media_adapters.agent"])


def _settings(options: argparse.Namespace) -> dict[str, str]:
    """What was given, as the variables that the agent reads."""
    given = {name: value for name, value in vars(options).items() if value is not None and name != "run"}
    if pairs := given.pop("options", None):
        given["options"] = json.dumps(dict(pairs))
    return {_PREFIX + _VARIABLES.get(name, name.upper()): str(value) for name, value in given.items()}


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535")
    return int(text)


def _port_range(text: str) -> str:
    """As JSON, which is how the agent's settings take it."""
    match = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text)
    first, last = map(int, match.groups()) if match else (0, 0)
    if not 0 < first <= last <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of ports: use FIRST-LAST, such as 20000-29999")
    return json.dumps([first, last])


def _option(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is no option: use NAME=TEXT")
    return name, value
