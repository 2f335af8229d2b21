"""What an integrator hands to the suite: a running media server with its adapter, and how to look into it."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from media_adapters.conformance.people import PATIENCE
from media_adapters.contract import MediaNode

Leftovers = Mapping[str, int]
"""How many of each kind of thing the media server holds, such as `{"rooms": 1, "transports": 2}`."""


@dataclass(frozen=True)
class Subject:
    """A media node under test. All but `node` is optional; what is missing skips the tests that need it.

    `leftovers` asks the media server itself, behind the adapter's back, what it holds. `successor` connects a new owner
    to the same sessions, as the control plane does when a replica dies; None: the new owner asks the same `node`.
    `kill` ends the media server as a crash would. `freeze` stops it so that it answers nothing, `thaw` lets it go on.
    `call_deadline`: seconds within which a call to a frozen server raises `NodeTimeout`. `patience`: seconds after
    which something that should happen, such as a frame that arrives, has not. `crowd`: how many people come and go at
    random; fewer than 20 only for a media server that is not made for load.
    """

    node: MediaNode
    leftovers: Callable[[], Awaitable[Leftovers]] | None = None
    successor: Callable[[], AbstractAsyncContextManager[MediaNode]] | None = None
    kill: Callable[[], Awaitable[None]] | None = None
    freeze: Callable[[], Awaitable[None]] | None = None
    thaw: Callable[[], None] | None = None
    call_deadline: float = 6.0
    patience: float = PATIENCE
    crowd: int = 20


Start = Callable[[], AbstractAsyncContextManager[Subject]]
"""Starts a media server of its own, which is gone when the context is left."""
