"""Asking for a room to be moved, by operators and integrators. The room's driver does it, whoever asks."""

import asyncio

import structlog

from control_plane.errors import Conflict, NoCapacity, NotFound
from control_plane.ids import RoomId, new_id
from control_plane.nodes.models import Node
from control_plane.nodes.registry import NodeRegistry
from control_plane.nodes.selection import HEALTHY_MS
from control_plane.rooms import streams
from control_plane.rooms.domain import Leg, Move, RoomState
from control_plane.rooms.errors import RoomGone, RoomMissing
from control_plane.rooms.placing import Target
from control_plane.rooms.store import RoomStore

log = structlog.get_logger()

LOOK_S = 0.2


class Mover:
    """Every method raises `Unavailable` while Redis is away."""

    def __init__(self, store: RoomStore, registry: NodeRegistry) -> None:
        self._store = store
        self._registry = registry

    async def move(self, room: RoomId, target: Target, by: str) -> Move:
        """Have the room moved to `target.node`, or to a node of `target.backend`: an earlier wish is replaced.

        Raises `NotFound` when nobody is in the room or there is no such node, `Conflict` when it is there already,
        `NoCapacity` when no such node can take it now. That it can is no promise: who asks looks what became of it.
        """
        state = await self._live(room)
        if state.home is None:
            raise Conflict(f"Room {room} is on no media server yet.")
        await self._registry.refresh()
        self._expect_possible(state, state.home, target)
        move = Move(id=new_id("mv"), node=target.node, backend=target.backend, by=by)
        await self._wish(state, move)
        log.info("move_asked_for", room=room, move=move.id, node=target.node, backend=target.backend, by=by)
        return move

    async def settled(self, room: RoomId, move: Move) -> Node | None:
        """Wait until the room has come to rest: the node that it is on by then if that is what was asked for, None if
        the move was given up or replaced. Raises `NotFound` when everybody has left meanwhile."""
        while True:
            state = await self._live(room)
            mine = state.move is not None and state.move.id == move.id
            if not mine and not any(leg.leaving_since for leg in state.legs.values()):
                await self._registry.refresh()
                node = None if state.home is None else self._registry.nodes.get(state.home.node)
                return node if node is not None and Target(move.node, move.backend).admits(node) else None
            await asyncio.sleep(LOOK_S)

    async def _live(self, room: RoomId) -> RoomState:
        try:
            return await self._store.snapshot(room)
        except (RoomGone, RoomMissing) as error:
            raise NotFound(f"Nobody is in a room {room} now.") from error

    async def _wish(self, state: RoomState, move: Move) -> None:
        try:
            await self._store.wish(state, move)
        except (RoomGone, RoomMissing) as error:
            raise NotFound(f"Nobody is in a room {state.room} now.") from error

    def _expect_possible(self, state: RoomState, home: Leg, target: Target) -> None:
        known = self._registry.nodes.values()
        able = [node for node in known if target.admits(node)]
        if not able:
            missing = f"There is no media node {target.node}." if target.node else f"No node runs {target.backend}."
            raise NotFound(missing)
        if home.node in {node.id for node in able}:
            raise Conflict(f"Room {state.room} is on {home.node} already.")
        newest = max(node.last_heartbeat for node in known)
        faults = {node.id: _fault(node, newest, streams.of_room(state)) for node in able}
        if all(faults.values()):
            reasons = ", ".join(f"{node} {fault}" for node, fault in sorted(faults.items()))
            raise NoCapacity(f"Room {state.room} can't go there now: {reasons}.", retry_after_ms=1000)


def _fault(node: Node, newest_ms: int, needed: int) -> str | None:
    """Why the node can take nothing now, as of the latest word of any node."""
    if newest_ms - node.last_heartbeat >= HEALTHY_MS:
        return "is silent"
    if node.state != "up":
        return "is without its media server"
    if node.draining:
        return "is draining"
    return "is full" if node.free < needed else None
