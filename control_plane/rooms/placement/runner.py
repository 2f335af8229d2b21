"""Carries out what the machine decides for rooms whose lease is ours: finds nodes, commits steps, closes what is left.

It is called each second, and at once when a client is ready or a move is wished. What it was in the middle of when it
died is in the room, so that the next driver goes on.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol
from weakref import WeakSet

import structlog

from control_plane.errors import NoCapacity
from control_plane.ids import LegId, NodeId, ParticipantId, new_id
from control_plane.rooms.domain import Leg, RoomState
from control_plane.rooms.errors import ChangedMeanwhile
from control_plane.rooms.local import LocalRoom
from control_plane.rooms.placement.machine import Commit, Find, Look, decide, found, not_found, without
from control_plane.rooms.placement.steps import Step
from control_plane.rooms.placing import Placing, Target
from control_plane.rooms.store import RoomStore
from media_adapters.errors import MediaError
from media_adapters.models import PeerRef, PeerStatus, RoomRef

log = structlog.get_logger()

MOST_STEPS = 8
"""In one go; what is left then waits for the next look."""


class MovingNodes(Protocol):
    """What moving asks of media nodes."""

    async def open_room(self, node: NodeId, room: RoomRef, fence: int) -> None:
        """Raises `MediaError`."""

    async def close_room(self, node: NodeId, room: RoomRef, fence: int) -> None:
        """Raises `MediaError`."""

    async def sync(self, node: NodeId, room: RoomRef, peers: Sequence[PeerRef], fence: int) -> Sequence[PeerStatus]:
        """Close every peer that is not listed; returns those that are there. Raises `MediaError`."""

    def is_lost(self, node: NodeId) -> bool:
        """Whether the node's rooms must move: it is dead, not merely slow to answer us."""


class Runner:
    """`now_ms` is the time in Redis, as far as it is known."""

    def __init__(self, store: RoomStore, nodes: MovingNodes, placing: Placing, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._nodes = nodes
        self._placing = placing
        self._now_ms = now_ms
        self._running: WeakSet[LocalRoom] = WeakSet()
        self._again: WeakSet[LocalRoom] = WeakSet()

    async def run(self, local: LocalRoom, fence: int) -> None:
        """Do all that can be done now; when it is being done, look once more afterwards.

        Raises `Superseded`, `Unavailable`, and `NoCapacity` when a room has nowhere to be.
        """
        if local in self._running:
            self._again.add(local)
            return
        self._running.add(local)
        try:
            while True:
                self._again.discard(local)
                steps = 0
                while steps < MOST_STEPS and await self._step(local, fence):
                    steps += 1
                if local not in self._again:
                    return
        finally:
            self._running.discard(local)

    async def _step(self, local: LocalRoom, fence: int) -> bool:
        """Whether to decide again."""
        state, lost = local.state, self._lost(local.state)
        decision = decide(state, lost, self._now_ms())
        if isinstance(decision, Look):
            here = await self._here(state, decision.leg, fence)
            decision = decide(state, lost, self._now_ms(), here)
        match decision:
            case Commit(step=step, why=why):
                log.info("move_step", room=local.room, step=why)
                await self._commit(local, state, step, fence)
                return local.version > state.version  # else what it was decided from is not so: the next look
            case Find():
                return await self._find(local, state, decision, fence)
        return False

    async def _find(self, local: LocalRoom, state: RoomState, wanted: Find, fence: int) -> bool:
        """Reserve a node, have it open the room, and begin."""
        ref, lost = state.ref(), self._lost(state)
        try:
            target = Target(wanted.node, wanted.backend, wanted.avoid)
            node = await self._placing.elsewhere(state, wanted.purpose, target)
        except NoCapacity as error:
            step = not_found(state, lost, self._now_ms())
            if step is None:
                raise
            log.warning("room_not_moved", room=local.room, reason=error.message)
            await self._commit(local, state, step, fence)
            return True
        leg = next((leg for leg in state.legs.values() if leg.node == node), None) or Leg(
            id=LegId(new_id("l")), node=node
        )
        if state.move is not None and not await self._opens(node, ref, fence):
            # The move goes on to another, if it may. A room that has nowhere to be does not wait for an answer.
            await self._placing.not_there(state, wanted.purpose, node)
            await self._commit(local, state, without(state, node), fence)
            return True
        if state.move is None:
            log.warning("leg_relocated", room=local.room, lost=sorted(lost), to=node)
        else:
            log.info("move_begins", room=local.room, move=state.move.id, to=node, people=len(state.people))
        if not await self._commit(local, state, found(state, leg, lost, self._now_ms()), fence):
            await self._placing.not_there(state, wanted.purpose, node)
        return True

    async def _opens(self, node: NodeId, room: RoomRef, fence: int) -> bool:
        try:
            await self._nodes.open_room(node, room, fence)
        except MediaError as error:
            log.warning("move_target_failed", room=room.room, node=node, reason=error.code)
            return False
        return True

    async def _commit(self, local: LocalRoom, state: RoomState, step: Step, fence: int) -> bool:
        """Whether it was made: another move may be wished by now.

        The media of whoever left a leg are closed by their replicas; what those leave behind is closed here, and with
        its last leg the room at a node.
        """
        try:
            version = await self._store.commit(local.room, step, fence)
        except ChangedMeanwhile:
            await local.refresh()
            return False
        await local.wait_for(version)
        for leg in step.drop:
            if leg not in local.state.legs and not self._nodes.is_lost(state.legs[leg].node):
                await self._close(local, state.legs[leg], fence)
        return True

    async def _close(self, local: LocalRoom, leg: Leg, fence: int) -> None:
        state = local.state
        try:
            if any(other.node == leg.node for other in state.legs.values()):
                peers = [
                    peer for other in state.legs.values() if other.node == leg.node for peer in state.peers_on(other.id)
                ]
                await self._nodes.sync(leg.node, state.ref(), peers, fence)
            else:
                await self._nodes.close_room(leg.node, state.ref(), fence)
        except MediaError as error:  # nobody renews its lease any more
            log.info("leg_not_closed", room=local.room, node=leg.node, reason=error.code)

    async def _here(self, state: RoomState, leg: Leg, fence: int) -> Collection[ParticipantId]:
        """Whose media have come up at this leg; nobody's, when its node does not answer."""
        peers = state.peers_on(leg.id)
        try:
            statuses = await self._nodes.sync(leg.node, state.ref(), peers, fence)
        except MediaError as error:
            log.info("leg_not_seen", room=state.room, node=leg.node, reason=error.code)
            return ()
        return {
            status.peer.participant
            for status in statuses
            if status.peer in peers and (status.publisher.connected or status.subscriber.connected)
        }

    def _lost(self, state: RoomState) -> set[NodeId]:
        return {leg.node for leg in state.legs.values() if self._nodes.is_lost(leg.node)}
