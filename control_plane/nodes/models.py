"""What the control plane knows of a media node, and what a room may need of one."""

from dataclasses import dataclass
from typing import Literal, Self

from control_plane.ids import NodeId
from media_adapters.models import Capability, NodeLoad
from media_adapters.wire import Heartbeat


@dataclass(frozen=True, slots=True)
class Node:
    """A media node as of its last heartbeat. Streams are RTP streams in both directions.

    `last_heartbeat` is when Redis recorded it, in Redis time: no other machine's clock is compared with it.
    `reserved` are the streams promised on it that `load` does not show yet.
    """

    id: NodeId
    url: str
    region: str
    backend: str
    version: str
    capabilities: frozenset[Capability]
    capacity: int
    load: NodeLoad
    state: Literal["up", "sfu_down"]
    warnings: tuple[str, ...]
    started_at: int
    last_heartbeat: int
    reserved: int = 0
    sequence: int = 0
    """Of that heartbeat: each has a higher one."""
    draining: bool = False
    """An operator wants no new rooms on it."""
    certificate: str | None = None
    """SHA-256 (hex) of the certificate that its RPC shows; None when somebody else ends TLS for it."""

    @classmethod
    def reported(cls, report: Heartbeat, *, last_heartbeat: int, reserved: int) -> Self:
        return cls(
            id=report.node,
            url=report.url,
            region=report.region,
            backend=report.backend,
            version=report.version,
            capabilities=report.capabilities,
            capacity=report.capacity,
            load=report.load,
            state=report.state,
            warnings=report.warnings,
            started_at=report.started_at,
            last_heartbeat=last_heartbeat,
            reserved=reserved,
            sequence=report.sequence,
            certificate=report.certificate,
        )

    @property
    def free(self) -> int:
        """Streams that may still be reserved."""
        return self.capacity - self.load.streams - self.reserved

    @property
    def usage(self) -> float:
        """Share of the capacity that is taken or promised; may pass 1."""
        return 1 - self.free / self.capacity if self.capacity > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Need:
    """What somebody needs of a node: streams, capabilities, best in `region`, and on none of `avoid`. If they said so,
    on this `node`, or on one that runs this `backend`."""

    streams: int
    capabilities: frozenset[Capability] = frozenset()
    region: str | None = None
    avoid: frozenset[NodeId] = frozenset()
    node: NodeId | None = None
    backend: str | None = None
