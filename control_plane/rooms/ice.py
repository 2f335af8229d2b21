"""How members reach their media: servers with credentials of their own, and new ones before those expire.

Only the server starts a refresh, so that two restarts of ICE never meet: it gives both connections the new servers, the
client offers its publisher anew, and the node its subscriber. What is relayed already outlives its credential:
nobody is cut off by a refresh that could not be made.
"""

import asyncio
from collections.abc import Iterable

import structlog

from control_plane.clock import Clock
from control_plane.rooms.member import Member
from control_plane.rooms.node_access import NodeAccess, tolerating
from control_plane.signaling.messages import IceServer, RestartEvent
from media_adapters.models import PeerConnectionRole

log = structlog.get_logger()


class IceRefresh:
    """Refreshes what members were given."""

    def __init__(self, access: NodeAccess, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def look(self, members: Iterable[Member]) -> None:
        """Refresh, in the background, those of `members` whose time has come."""
        now = self._clock.now()
        for member in members:
            due = member.ice_refresh_at
            if due is not None and due <= now and member.present:
                task = asyncio.get_running_loop().create_task(self._refresh(member))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait for what runs in the background."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _refresh(self, member: Member) -> None:
        servers = member.fresh_ice().servers
        log.info("ice_refreshed", room=member.room.room, participant=member.id, epoch=member.announced_epoch)
        for pc in PeerConnectionRole:
            self._tell(member, pc, servers)
        placed = member.placed
        if placed is not None and PeerConnectionRole.SUBSCRIBER in placed.connected:
            async with tolerating(member, "restart_failed"), self._access.commanding(member, placed) as node:
                await node.restart_ice(placed.peer)

    @staticmethod
    def _tell(member: Member, pc: PeerConnectionRole, servers: tuple[IceServer, ...]) -> None:
        member.tell(
            RestartEvent(seq=0, version=member.room.version, epoch=member.announced_epoch, pc=pc, ice_servers=servers)
        )
