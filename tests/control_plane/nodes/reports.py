"""Heartbeats as a media node's agent makes them."""

import itertools
import time

from control_plane.ids import NodeId
from media_adapters.models import Capability, NodeLoad
from media_adapters.wire import Heartbeat

_sequence = itertools.count(1)


def report(
    node: str = "n1", *, streams: int = 0, capacity: int = 100, region: str = "eu", sequence: int | None = None
) -> Heartbeat:
    """The next heartbeat of this node."""
    now = int(time.time() * 1000)
    return Heartbeat(
        node=NodeId(node),
        url="ws://127.0.0.1:1/rpc/v1",
        region=region,
        backend="janus",
        version="1.1.2",
        capabilities=frozenset(Capability),
        capacity=capacity,
        state="up",
        load=NodeLoad(rooms=min(streams, 1), peers=min(streams, 1), streams=streams),
        started_at=now,
        sequence=next(_sequence) if sequence is None else sequence,
        time_ms=now,
    )
