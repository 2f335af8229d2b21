"""Backends by name, found through the entry-point group `nexusvibe.media_adapters`.

A backend knows how to run its SFU on this machine and how to connect an adapter to it; the node agent supervises it.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

from media_adapters.contract import MediaNode
from media_adapters.models import Value

GROUP = "nexusvibe.media_adapters"


class BackendSettings(Value):
    """Where an SFU may live on this machine.

    `media_address` is the address that it offers for media, None for every interface. `rtp_ports` is the inclusive
    UDP range. `run_dir` is private to the SFU and may be emptied at start. `options` are the backend's own.
    """

    run_dir: Path
    media_address: str | None = None
    rtp_ports: tuple[int, int] = (20000, 29999)
    options: Mapping[str, str] = {}


class SfuProcess(Value):
    """How to start the SFU: the agent starts it, with its own process group and the death pact.

    The pact is the parent-death signal, which the kernel clears on a change of user: an `argv` that drops root keeps it
    (`setpriv --pdeathsig keep`).
    """

    argv: Sequence[str]
    env: Mapping[str, str] = {}


class Backend(Protocol):
    """One kind of SFU. Created without arguments; the entry point names the class."""

    name: str

    def prepare(self, settings: BackendSettings) -> SfuProcess:
        """Write the SFU's configuration into `run_dir` and say how to start it.

        Raises `BackendUnavailable` with a sentence that says what to install.
        """

    def connect(self, settings: BackendSettings) -> AbstractAsyncContextManager[MediaNode]:
        """Connect to the SFU that `prepare` described, waiting at most 10 s for it to answer."""


@runtime_checkable
class Attachable(Protocol):
    """A backend that can also use an SFU which somebody else runs on this machine."""

    name: str

    def attach(self, settings: BackendSettings, url: str) -> AbstractAsyncContextManager[MediaNode]:
        """Connect to the SFU at `url`; its secrets are among the options. `NodeGone` when it does not answer,
        `BackendUnavailable` with what to change about it. Leaving closes our rooms and nothing else of it.
        """


class BackendUnavailable(Exception):
    """The backend can't run here; the message says what to do."""


def load_backend(name: str) -> Backend:
    """The backend called `name`. A wrong name lists what is installed; a broken one fails with its own error."""
    installed = {point.name: point for point in entry_points(group=GROUP)}
    if name not in installed:
        known = ", ".join(sorted(installed)) or "none"
        raise BackendUnavailable(f"There is no media backend called {name!r}. Installed: {known}.")
    backend: Backend = installed[name].load()()
    return backend
