"""How this replica is: what it has of what it uses."""

from collections.abc import Mapping
from typing import Protocol

from control_plane.database.watch import DatabaseWatch
from control_plane.nodes.models import Need
from control_plane.nodes.registry import NodeRegistry
from control_plane.rooms.placing import STREAMS_OF_A_NEW_ROOM
from control_plane.signaling.endpoint import SignalingEndpoint
from control_plane.state.client import Redis
from control_plane.state.subscription import Subscription
from control_plane.turn.service import TurnRelays


class Work(Protocol):
    """Something in the background that has to go on for as long as the process does."""

    @property
    def running(self) -> bool: ...


class Condition:
    def __init__(
        self,
        *,
        work: Mapping[str, Work],
        endpoint: SignalingEndpoint,
        redis: Redis,
        inbox: Subscription,
        registry: NodeRegistry,
        database: DatabaseWatch,
        relays: TurnRelays,
    ) -> None:
        self._work = work
        self._endpoint = endpoint
        self._redis = redis
        self._inbox = inbox
        self._registry = registry
        self._database = database
        self._relays = relays

    @property
    def ready(self) -> bool:
        return all(self.needs().values())

    def running(self) -> Mapping[str, bool]:
        return {name: work.running for name, work in self._work.items()}

    def needs(self) -> dict[str, bool]:
        """`accepting` until this replica begins to stop; `redis` if it is heard as well as asked; `media_node` if
        there is one whose rooms can be joined."""
        return {
            "accepting": self._endpoint.accepting,
            "redis": self._redis.connected and self._inbox.subscribed,
            "media_node": any(self._registry.state_of(node) == "up" for node in self._registry.nodes.values()),
        }

    def wants(self) -> dict[str, bool]:
        """`database`: without it REST, kicks and bans don't work. `capacity`: a new room fits somewhere. `relays`: one
        of those that are configured relays."""
        return {
            "database": self._database.answers,
            "capacity": bool(self._registry.look(Need(streams=STREAMS_OF_A_NEW_ROOM)).candidates),
            "relays": not self._relays.servers or any(self._relays.usable.values()),
        }
