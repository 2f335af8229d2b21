"""When is a node lost? A decision without I/O, from what one replica sees.

Told: the node's agent says that its SFU died. Inferred: dialling the agent is refused (its process is gone), or there
is neither RPC nor heartbeat for 3 s. Silence counts for nothing while Redis is away and for 5 s after, nor for 5 s
after our own start or stall. When many nodes look lost at once, the observer is the likelier fault: none is given up,
and there is an alarm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from control_plane.clock import Clock
from control_plane.ids import NodeId

SILENCE = 3.0
GRACE = 5.0
STALL = 2.0
ALARM_WINDOW, ALARM_SHARE, ALARM_ABOVE = 5.0, 0.3, 2
REVIVAL = 1.5
"""Seconds after the report of an SFU's death in which a heartbeat may still have been on its way from before it."""
OLD_NEWS = 60.0
"""A node that was silent for as long when we first heard of it is no part of what goes wrong now."""


class RpcState(StrEnum):
    """This replica's own connection to the agent. `REFUSED`: the last try to dial was refused."""

    CONNECTED = "connected"
    AWAY = "away"
    REFUSED = "refused"


class Cause(StrEnum):
    SFU_DIED = "sfu_died"
    REFUSED = "refused"
    SILENT = "silent"
    REMOVED = "removed"
    """By an operator; `Evidence` itself never says so."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`lost` nodes and why. `held` nodes look lost too, but too many at once: an alarm, and nothing moves."""

    lost: Mapping[NodeId, Cause] = field(default_factory=dict)
    held: frozenset[NodeId] = frozenset()


@dataclass(slots=True)
class _Signs:
    """Monotonic seconds. `away_since` is when the RPC was lost, or first looked for."""

    heard: float
    away_since: float
    old_news: bool = False
    rpc: RpcState = RpcState.AWAY
    sfu_died: float | None = None


class Evidence:
    """Feed it what happens; `look` at least once a second. Its answer may change with each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._redis_up = True
        self._last_look = clock.monotonic()
        self._silence_counts_from = clock.monotonic() + GRACE
        self._nodes: dict[NodeId, _Signs] = {}
        self._looks_lost_since: dict[NodeId, float] = {}
        self._held: frozenset[NodeId] = frozenset()

    @property
    def silence_counts(self) -> bool:
        """Whether hearing nothing of a node may be held against it now."""
        return self._redis_up and self._clock.monotonic() >= self._silence_counts_from

    def rpc_changed(self, node: NodeId, state: RpcState, *, silent_for: float = 0.0) -> None:
        """`silent_for`: seconds that passed without an answer before the connection was given up."""
        signs = self._signs(node)
        if state is RpcState.CONNECTED:
            signs.sfu_died = None  # an agent whose SFU is down lets nobody in
        elif signs.rpc is RpcState.CONNECTED:
            signs.away_since = self._clock.monotonic() - silent_for
        signs.rpc = state

    def sfu_died(self, node: NodeId) -> None:
        """The agent told so over the RPC."""
        self._signs(node).sfu_died = self._clock.monotonic()

    def heard(self, node: NodeId, age: float, *, sfu_up: bool) -> None:
        """A heartbeat was recorded `age` seconds ago. Telling the same one again changes nothing."""
        signs = self._signs(node, age)
        at = self._clock.monotonic() - age
        if at <= signs.heard:
            return
        signs.heard, signs.old_news = at, False
        if not sfu_up:
            signs.sfu_died = at
        elif signs.sfu_died is not None and at > signs.sfu_died + REVIVAL:
            signs.sfu_died = None

    def redis_changed(self, *, up: bool) -> None:
        if up and not self._redis_up:
            self._silence_counts_from = self._clock.monotonic() + GRACE
        self._redis_up = up

    def forget(self, node: NodeId) -> None:
        """The node is gone for good."""
        self._nodes.pop(node, None)
        self._looks_lost_since.pop(node, None)

    def look(self) -> Verdict:
        now = self._clock.monotonic()
        if now - self._last_look > STALL:
            self._silence_counts_from = max(self._silence_counts_from, now + GRACE)
        self._last_look = now
        causes = {node: cause for node, signs in self._nodes.items() if (cause := self._cause(signs, now))}
        inferred = [node for node, cause in causes.items() if cause is not Cause.SFU_DIED]
        self._looks_lost_since = {node: self._looks_lost_since.get(node, now) for node in inferred}
        self._held = self._hold(now)
        lost = {node: cause for node, cause in causes.items() if node not in self._held}
        return Verdict(MappingProxyType(lost), self._held)

    def _cause(self, signs: _Signs, now: float) -> Cause | None:
        if signs.sfu_died is not None:
            return Cause.SFU_DIED
        if signs.rpc is RpcState.REFUSED:
            return Cause.REFUSED
        unreachable = signs.rpc is RpcState.AWAY and now - signs.away_since >= SILENCE
        if unreachable and self.silence_counts and now - signs.heard >= SILENCE:
            return Cause.SILENT
        return None

    def _hold(self, now: float) -> frozenset[NodeId]:
        """Nodes that were held stay so until they are well again; meanwhile no other is given up either."""
        since = self._looks_lost_since
        recent = {node for node, at in since.items() if now - at <= ALARM_WINDOW and not self._nodes[node].old_news}
        well_before = len(self._nodes) - len(since) + len(recent)
        held = self._held & since.keys()
        if held or (len(recent) > ALARM_ABOVE and len(recent) > ALARM_SHARE * well_before):
            held |= recent
        return held

    def _signs(self, node: NodeId, age: float = 0.0) -> _Signs:
        if node not in self._nodes:
            now = self._clock.monotonic()
            self._nodes[node] = _Signs(heard=now - age, away_since=now, old_news=age >= OLD_NEWS)
        return self._nodes[node]
