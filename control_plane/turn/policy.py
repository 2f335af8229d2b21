"""Which of the TURN servers a participant is given. Pure decisions."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from control_plane.turn.models import TurnServer, TurnTransport

GIVEN = 2
"""A second server is there for the day on which the first one is not."""

Usable = Mapping[str, frozenset[TurnTransport]]
"""By server id: the transports that answer."""


@dataclass(frozen=True, slots=True)
class Choice:
    server: TurnServer
    transports: tuple[TurnTransport, ...]


def choose(servers: Sequence[TurnServer], usable: Usable, opaque: str, region: str | None) -> list[Choice]:
    """At most two servers, best first: of the region, then of others; spread by weight.

    The same participant gets the same servers as long as they answer, so that a refresh does not move its relay. When
    none answers all are taken as if they did: it may be us who can't reach them.
    """
    answering = [choice for choice in _choices(servers, usable) if choice.transports]
    if not answering:
        answering = [Choice(server, server.transports) for server in servers]
    answering.sort(key=lambda choice: (choice.server.region != region, -_score(choice.server, opaque)))
    return answering[:GIVEN]


def _choices(servers: Iterable[TurnServer], usable: Usable) -> Iterable[Choice]:
    for server in servers:
        up = usable.get(server.id, frozenset(server.transports))
        yield Choice(server, tuple(transport for transport in server.transports if transport in up))


def _score(server: TurnServer, opaque: str) -> float:
    """Weighted rendezvous hashing: a server that comes or goes moves only those who were, or will be, its own."""
    digest = hashlib.sha256(f"{server.id}/{opaque}".encode()).digest()
    share = (int.from_bytes(digest[:8]) + 1) / (2**64 + 1)
    return -server.weight / math.log(share)
