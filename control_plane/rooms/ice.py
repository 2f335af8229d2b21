"""How members reach their media: servers with credentials of their own, and new ones before those expire.

Only the server starts a refresh, so that two restarts of ICE never meet: it gives both connections the new servers, the
client offers its publisher anew, and the node its subscriber. A client whose network has changed asks for the same.
What is relayed already outlives its credential: nobody is cut off by a refresh that could not be made.
"""

import asyncio
from collections.abc import Iterable

import structlog

from control_plane.clock import Clock
from control_plane.errors import StaleMessage
from control_plane.rooms.member import Member
from control_plane.rooms.node_access import NodeAccess, tolerating
from control_plane.signaling.messages import IceServer, Restart, RestartEvent
from media_adapters.models import PeerConnectionRole

log = structlog.get_logger()


class IceRefresh:
    """Refreshes what members were given, when its time has come or when they ask."""

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

    async def restart(self, member: Member, message: Restart) -> None:
        """The member's network has changed. Raises `StaleMessage` for a placement that is over or not yet there,
        `RateLimited`, `NotFound` when the node knows of no such connection, `MediaUnavailable`, `NotSupported`."""
        placed = member.placed_in(message.epoch)
        if placed is None or placed.topology == "waiting":
            raise StaleMessage(f"Epoch {message.epoch} is not this participant's placement now.")
        member.restarts.take(self._clock.monotonic())
        # The other connection keeps the credential that it has, and so the time of its refresh.
        servers = member.relays.offer(member.room.state.ref(), member.id).servers
        self._tell(member, message.epoch, message.pc, servers)
        if message.pc is PeerConnectionRole.SUBSCRIBER:
            async with self._access.commanding(member, placed) as node:
                await node.restart_ice(placed.peer)

    async def drain(self) -> None:
        """Wait for what runs in the background."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _refresh(self, member: Member) -> None:
        servers = member.fresh_ice().servers
        log.info("ice_refreshed", room=member.room.room, participant=member.id, epoch=member.announced_epoch)
        for pc in PeerConnectionRole:
            self._tell(member, member.announced_epoch, pc, servers)
        placed = member.placed
        if placed is not None and PeerConnectionRole.SUBSCRIBER in placed.connected:
            async with tolerating(member, "restart_failed"), self._access.commanding(member, placed) as node:
                await node.restart_ice(placed.peer)

    @staticmethod
    def _tell(member: Member, epoch: int, pc: PeerConnectionRole, servers: tuple[IceServer, ...]) -> None:
        member.tell(RestartEvent(seq=0, version=member.room.version, epoch=epoch, pc=pc, ice_servers=servers))
