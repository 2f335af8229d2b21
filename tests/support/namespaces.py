"""Machines of a test: network namespaces (ip-netns(8)) joined by a switch, whose cables can be cut.

The test's own process stays where it is and touches no interface of this machine: it reaches the others with sockets
that were opened among them.
"""

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_SWITCH = "switch"
_numbers = count(1)


def why_impossible() -> str | None:
    """Why there can be no namespaces here; None when there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = f"nv{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no network namespace can be made: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], check=True)
    return None


@dataclass(frozen=True)
class Machine:
    """`inside` comes before a command that is to run there."""

    namespace: str
    address: str

    @property
    def inside(self) -> tuple[str, ...]:
        return ("nsenter", f"--net=/run/netns/{self.namespace}")


class Network:
    """`hub` is the switch itself, a machine like the others, which is always connected."""

    def __init__(self, prefix: str, names: tuple[str, ...]) -> None:
        self._prefix = prefix
        self.hub = Machine(f"{prefix}{_SWITCH}", "10.77.0.1")
        self.machines = {
            name: Machine(f"{prefix}{name}", f"10.77.0.{number}") for number, name in enumerate(names, start=10)
        }

    def cut(self, name: str) -> None:
        """Nothing that is sent to or from this machine arrives; its own programs notice nothing else."""
        self._switch("link", "set", name, "down")

    def connector(self) -> aiohttp.TCPConnector:
        """For a client at the hub, whose session closes it."""
        return aiohttp.TCPConnector(socket_factory=self._socket)

    def build(self, stack: ExitStack) -> None:
        for machine in (self.hub, *self.machines.values()):
            _ip("netns", "add", machine.namespace)
            stack.callback(_ip, "netns", "del", machine.namespace)
            _ip("-n", machine.namespace, "link", "set", "lo", "up")
        self._switch("link", "add", "br0", "type", "bridge")
        self._switch("addr", "add", f"{self.hub.address}/24", "dev", "br0")
        self._switch("link", "set", "br0", "up")
        for name, machine in self.machines.items():
            far = ("peer", "name", "eth0", "netns", machine.namespace)
            self._switch("link", "add", name, "type", "veth", *far)
            self._switch("link", "set", name, "master", "br0", "up")
            _ip("-n", machine.namespace, "addr", "add", f"{machine.address}/24", "dev", "eth0")
            _ip("-n", machine.namespace, "link", "set", "eth0", "up")

    def _switch(self, *command: str) -> None:
        _ip("-n", self.hub.namespace, *command)

    def _socket(self, address: Any) -> socket.socket:
        family, kind, protocol = address[:3]
        with Path("/proc/thread-self/ns/net").open() as home, Path(f"/run/netns/{self.hub.namespace}").open() as there:
            _enter(there.fileno())
            try:
                return socket.socket(family, kind, protocol)
            finally:
                _enter(home.fileno())


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """As many machines, with names of at most 15 letters. All are gone afterwards."""
    with ExitStack() as stack:
        built = Network(f"nv{os.getpid()}-{next(_numbers)}-", names)
        built.build(stack)
        yield built


def _ip(*command: str) -> None:
    subprocess.run(["ip", *command], check=True)


def _enter(descriptor: int) -> None:
    """setns(2), for this thread."""
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
