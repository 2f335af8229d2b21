"""Moving everybody away from nodes that are to be emptied, at a pace. No I/O: a room and the time in, a wish out.

Each driver does this for its own rooms. How far it is shows in what the nodes report to carry. When a node is not to
be emptied any more nothing new begins; what is under way is finished.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from control_plane.ids import Incarnation, NodeId, RoomId, new_id
from control_plane.rooms.domain import Move, RoomState

PEOPLE_PER_S = 10.0
"""How many each driver moves: for some seconds each of them costs the nodes twice as much."""
ENCODERS_WAIT_MS = 60_000
"""For so long a room with encoders stays: they can't be moved, and may be about to stop."""
RETRY_MS = 10_000
"""After a move that came to nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to tell the room; None: it stays where it is."""

    move: Move | None


class Emptying:
    """`nodes` tells which are to be emptied now."""

    def __init__(self, nodes: Callable[[], Collection[NodeId]], per_s: float = PEOPLE_PER_S) -> None:
        self._nodes = nodes
        self._per_s = per_s
        self._budget = per_s
        self._counted_at: int | None = None
        self._since: dict[NodeId, int] = {}
        self._asked: dict[tuple[RoomId, Incarnation], int] = {}

    def look(self, state: RoomState, now_ms: int) -> Wish | None:
        """What the room is to be told now, if anything. Call it for each room about once a second."""
        nodes = frozenset(self._nodes())
        self._since = {node: self._since.get(node, now_ms) for node in nodes}
        mine = state.move is not None and state.move.reason == "drain" and not state.move.began_at
        home = state.home
        if home is None or home.node not in nodes:
            return Wish(None) if mine else None
        if state.moving or not self._may_ask(state, home.node, now_ms) or not self._pays(state, now_ms):
            return None
        self._asked[(state.room, state.incarnation)] = now_ms
        return Wish(Move(id=new_id("mv"), avoid=tuple(sorted(nodes)), reason="drain", by="drain"))

    def _may_ask(self, state: RoomState, node: NodeId, now_ms: int) -> bool:
        self._asked = {room: at for room, at in self._asked.items() if now_ms - at < RETRY_MS}
        waits = state.needs_sfu and now_ms - self._since[node] < ENCODERS_WAIT_MS
        return not waits and (state.room, state.incarnation) not in self._asked

    def _pays(self, state: RoomState, now_ms: int) -> bool:
        """A room goes as a whole: after a large one all others wait until it is paid for."""
        earned = 0.0 if self._counted_at is None else (now_ms - self._counted_at) / 1000 * self._per_s
        self._counted_at = now_ms
        self._budget = min(self._per_s, self._budget + earned)
        if self._budget <= 0:
            return False
        self._budget -= len(state.people)
        return True
