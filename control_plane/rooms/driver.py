"""What the holder of a room's lease does: keep the room alive on its nodes, and give up the places of the gone.

Every command to a node carries the fence of the lease, so that a driver which lost it can do no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import structlog

from control_plane.clock import Clock
from control_plane.errors import ControlPlaneError, NotFound
from control_plane.ids import Incarnation, LegId, NodeId, ReplicaId, RoomId
from control_plane.rooms.domain import Leg, Person
from control_plane.rooms.errors import Superseded
from control_plane.rooms.local import LocalRoom
from control_plane.rooms.placement.emptying import Emptying
from control_plane.rooms.placement.runner import MovingNodes, Runner
from control_plane.rooms.placing import Placing, give_leg
from control_plane.rooms.presence import Presence
from control_plane.rooms.store import RoomStore, Tended
from media_adapters.errors import MediaError, RoomNotFound
from media_adapters.models import PeerRef, PeerStatus, RoomRef

log = structlog.get_logger()

TRACKS_KEPT_MS = 10_000
PLACE_KEPT_MS = 30_000
SYNC_INTERVAL_S = 10.0


class DrivenNodes(MovingNodes, Protocol):
    """What a driver asks of media nodes."""

    async def keep(self, node: NodeId, rooms: Sequence[tuple[RoomRef, int]]) -> None:
        """Renew the rooms' leases on the node; one that it does not have is opened by who publishes there next.

        Raises `MediaError`.
        """

    async def close_peer(self, node: NodeId, peer: PeerRef, fence: int) -> None:
        """Raises `MediaError`."""


class Driver:
    """One per replica, for all rooms whose lease the replica holds.

    `inherit` speaks for a publisher by HTTP whose replica is gone; false when that is not possible now. `emptying` says
    which rooms are to leave their nodes.
    """

    def __init__(
        self, replica: ReplicaId, store: RoomStore, nodes: DrivenNodes, placing: Placing, clock: Clock
    ) -> None:
        self._replica = replica
        self._store = store
        self._nodes = nodes
        self._placing = placing
        self._clock = clock
        self._driven: dict[tuple[RoomId, Incarnation], tuple[LocalRoom, int]] = {}
        self._synced: WeakKeyDictionary[LocalRoom, tuple[tuple[Incarnation, LegId, int], float]] = WeakKeyDictionary()
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner = Runner(store, nodes, placing, self._now_ms)
        self._ahead_ms = 0.0
        self.presence = Presence(clock)
        self.emptying = Emptying(frozenset)
        self.inherit: Callable[[RoomId, Person], Awaitable[bool]] | None = None

    async def drive(self, local: LocalRoom, tended: Tended) -> None:
        """Do what is due if the room's lease is ours."""
        key = (local.room, tended.incarnation)
        if tended.driver != self._replica or local.incarnation != tended.incarnation:
            self._driven.pop(key, None)
            return
        self._driven[key] = (local, tended.fence)
        self._ahead_ms = tended.now_ms - self._clock.monotonic() * 1000
        try:
            await self._give_up_places(local, tended)
            await self._place_if_due(local)
            wish = self.emptying.look(local.state, tended.now_ms)
            if wish is not None:
                await self._store.wish(local.state, wish.move)
            await self._runner.run(local, tended.fence)
            for leg in tuple(local.state.legs.values()):
                if not self._nodes.is_lost(leg.node):
                    await self._sync_if_due(local, leg, tended)
        except Superseded:
            self._driven.pop(key, None)
        except ControlPlaneError as error:
            log.info("drive_failed", room=local.room, reason=error.code)

    def look_at_move(self, local: LocalRoom) -> None:
        """Something has changed in the room. If it moves, or is to, and is ours, see whether it can go on."""
        driven = self._driven.get((local.room, local.state.incarnation))
        if driven is not None and local.state.moving:
            self._start(self._move_on(local, driven[1]))

    async def _move_on(self, local: LocalRoom, fence: int) -> None:
        try:
            await self._runner.run(local, fence)
        except ControlPlaneError as error:  # the next look each second finds the same
            log.info("move_failed", room=local.room, reason=error.code)

    def _now_ms(self) -> int:
        """In Redis, as of the last look at any room."""
        return int(self._ahead_ms + self._clock.monotonic() * 1000)

    def gone(self, local: LocalRoom, person: Person) -> None:
        """Somebody's stay was ended. Their replica ends their media too, but it may be gone, or cut off from the
        node."""
        fence = self._fence(local)
        if fence is not None:
            self._start(self._close_peers(local, person, fence))

    def _fence(self, local: LocalRoom) -> int | None:
        """Of our lease; None when it is not ours, as far as is known. The node refuses one that has passed on."""
        driven = self._driven.get((local.room, local.state.incarnation))
        if driven is not None:
            return driven[1]
        return local.state.fence if local.state.driver == self._replica else None

    @property
    def driven(self) -> int:
        """Rooms whose lease is ours."""
        return len(self._driven)

    async def drain(self) -> None:
        """Wait for what runs in the background."""
        await asyncio.gather(*self._tasks)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def keep(self) -> None:
        """Renew the driven rooms' leases on their nodes; also while Redis is away, for then nobody else can drive."""
        per_node: dict[NodeId, list[tuple[RoomRef, int]]] = {}
        for key, (local, fence) in tuple(self._driven.items()):
            if not local.members or local.incarnation != key[1]:
                del self._driven[key]
                continue
            for leg in local.state.legs.values():
                per_node.setdefault(leg.node, []).append((local.state.ref(), fence))
        await asyncio.gather(*(self._keep_on(node, rooms) for node, rooms in per_node.items()))

    async def _keep_on(self, node: NodeId, rooms: Sequence[tuple[RoomRef, int]]) -> None:
        try:
            await self._nodes.keep(node, rooms)
        except MediaError as error:
            log.debug("keep_failed", node=node, reason=error.code)

    async def _give_up_places(self, local: LocalRoom, tended: Tended) -> None:
        for person in tuple(local.state.people.values()):
            try:
                await self._look_after(local, person, tended)
            except (NotFound, Superseded):
                log.debug("came_back_or_left", room=local.room, participant=person.id)

    async def _look_after(self, local: LocalRoom, person: Person, tended: Tended) -> None:
        if person.connected:
            if self.presence.is_dead(person.replica):
                await self._store.detach(local.room, person.id, person.generation)
            await self._send_away_if_due(local, person, tended)
        elif person.gone_at is not None:
            if person.ingest is not None and self.inherit is not None and await self.inherit(local.room, person):
                return
            await self._gone(local, person, tended, tended.now_ms - person.gone_at)

    async def _send_away_if_due(self, local: LocalRoom, person: Person, tended: Tended) -> None:
        """Nobody waits in the lobby for longer than the policy says."""
        limit = local.state.policy.lobby_timeout_s
        if person.lobby and limit is not None and tended.now_ms - person.joined_at >= limit * 1000:
            await self._store.leave(local.room, person.id, person.generation, "waited_too_long")

    async def _gone(self, local: LocalRoom, person: Person, tended: Tended, for_ms: int) -> None:
        if for_ms >= PLACE_KEPT_MS:
            await self._store.leave(local.room, person.id, person.generation, "connection_lost")
            await self._close_peers(local, person, tended.fence)
        elif for_ms >= TRACKS_KEPT_MS and not await self._sends_media(local, person, tended):
            tracks = [track.id for track in local.state.tracks.values() if track.participant == person.id]
            if tracks:
                await self._store.change_tracks(local.room, person.id, person.generation, ended=tracks)

    async def _sends_media(self, local: LocalRoom, person: Person, tended: Tended) -> bool:
        for stand in person.stands:
            leg = local.state.legs.get(stand.leg)
            statuses = () if leg is None else await self._sync(local, leg, tended.fence)
            peer = PeerRef(room=local.state.ref(), participant=person.id, epoch=stand.epoch)
            if any(status.peer == peer and status.publisher.receiving for status in statuses):
                return True
        return False

    async def _close_peers(self, local: LocalRoom, person: Person, fence: int) -> None:
        for stand in person.stands:
            leg = local.state.legs.get(stand.leg)
            if leg is None:
                continue
            peer = PeerRef(room=local.state.ref(), participant=person.id, epoch=stand.epoch)
            try:
                await self._nodes.close_peer(leg.node, peer, fence)
            except MediaError as error:
                log.info("peer_not_closed", room=local.room, participant=person.id, reason=error.code)

    async def _sync_if_due(self, local: LocalRoom, leg: Leg, tended: Tended) -> None:
        what, now = (tended.incarnation, leg.id, tended.fence), self._clock.monotonic()
        before, at = self._synced.get(local, (None, now))
        if before != what or now - at >= SYNC_INTERVAL_S:
            self._synced[local] = (what, now)
            await self._sync(local, leg, tended.fence)

    async def _sync(self, local: LocalRoom, leg: Leg, fence: int) -> Sequence[PeerStatus]:
        """Have the node close whoever is not in the room any more."""
        same = [other.id for other in local.state.legs.values() if other.node == leg.node]
        peers = [peer for each in same for peer in local.state.peers_on(each)]
        try:
            return await self._nodes.sync(leg.node, local.state.ref(), peers, fence)
        except RoomNotFound:
            return ()  # nobody has sent anything there yet, or the node is new: members bring the room back
        except MediaError as error:
            log.info("sync_failed", room=local.room, node=leg.node, reason=error.code)
            return ()

    async def _place_if_due(self, local: LocalRoom) -> None:
        """Who joins a room gives it its leg; who was let into an empty one, by no one who is in it, does not."""
        inside = [person for person in local.state.people.values() if not person.lobby]
        if inside and not local.state.legs:
            await give_leg(local, self._store, self._placing, inside[0])
