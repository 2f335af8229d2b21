"""Which nodes are believed, without a replica around it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from control_plane.database import Database
from control_plane.ids import NodeId
from control_plane.nodes.records import NodeRecords
from control_plane.nodes.trust import NodeTrust
from control_plane.state import Redis


@asynccontextmanager
async def trusting(
    redis: Redis, database_url: str, static: Mapping[NodeId, str] | None = None
) -> AsyncIterator[tuple[NodeTrust, NodeRecords]]:
    """`database_url` is of a migrated database."""
    async with Database.connect(database_url) as database:
        records = NodeRecords(database)
        async with NodeTrust.start(records, static or {}, redis) as trust:
            yield trust, records
