"""What the areas' own numbers say, read when a replica is scraped."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from control_plane.http.traffic import HttpTraffic
from control_plane.ids import NodeId
from control_plane.metrics import catalogue
from control_plane.metrics.arrivals import MeasuredArrivals
from control_plane.metrics.catalogue import Described
from control_plane.metrics.condition import Condition
from control_plane.metrics.figures import Figures
from control_plane.nodes.models import Node
from control_plane.nodes.pool import NodePool
from control_plane.nodes.registry import NodeRegistry
from control_plane.rooms.driver import Driver
from control_plane.rooms.local import LocalRoom
from control_plane.rooms.member import Member
from control_plane.signaling.traffic import Traffic
from control_plane.turn.service import TurnRelays

Read = Iterator[tuple[Described, Figures]]

NODE_STATES = ("up", "draining", "sfu_down", "silent", "lost")


def replica(condition: Condition) -> Read:
    yield catalogue.READY, {(): condition.ready}
    yield catalogue.AVAILABLE, {(part,): there for part, there in (condition.needs() | condition.wants()).items()}
    yield catalogue.RUNNING, {(work,): runs for work, runs in condition.running().items()}


def people(rooms: Iterable[LocalRoom], driver: Driver, arrivals: MeasuredArrivals) -> Read:
    held = 0
    participants: Counter[tuple[str, ...]] = Counter()
    tracks: Counter[tuple[str, ...]] = Counter()
    for local in rooms:
        held += 1
        for member in local.members.values():
            participants[_via(member), "lobby" if member.person.lobby else "in_room"] += 1
        for track in local.state.tracks.values():
            if track.participant in local.members:
                tracks[track.kind, track.source] += 1
    yield catalogue.ROOMS, {(): driver.driven}
    yield catalogue.ROOMS_HELD, {(): held}
    yield catalogue.PARTICIPANTS, participants
    yield catalogue.TRACKS, tracks
    yield catalogue.JOINS, arrivals.joins
    yield catalogue.RESUMES, _one_label(arrivals.resumes)


def messages(signaling: Traffic, http: HttpTraffic) -> Read:
    yield catalogue.CONNECTIONS, {(): signaling.connections}
    yield catalogue.REQUESTS, _one_label(signaling.requests)
    yield catalogue.REPLIES, {(): signaling.replies}
    yield catalogue.EVENTS, {(): signaling.events}
    both = (("signaling", signaling.errors), ("http", http.errors))
    yield catalogue.ERRORS, {(where, code): count for where, errors in both for code, count in errors.items()}
    yield (
        catalogue.HTTP_REQUESTS,
        {(route, method, str(status)): count for (route, method, status), count in http.answers.items()},
    )


def nodes(registry: NodeRegistry, pool: NodePool) -> Read:
    known = tuple(registry.nodes.values())
    yield catalogue.NODE_INFO, {(node.id, node.region, node.backend, node.version): 1 for node in known}
    yield catalogue.NODE_STATE, _states(registry, known)
    yield catalogue.NODE_CONNECTED, {(node,): connected for node, connected in pool.reached().items()}
    yield catalogue.NODE_HEARTBEAT_AGE, {(node.id, node.region): registry.heartbeat_age(node) for node in known}
    yield catalogue.NODE_CAPACITY, {(node.id, node.region): node.capacity for node in known}
    yield catalogue.NODE_STREAMS, {(node.id, node.region): node.load.streams for node in known}
    yield catalogue.NODE_RESERVED, {(node.id, node.region): node.reserved for node in known}
    yield catalogue.NODE_ROOMS, {(node.id, node.region): node.load.rooms for node in known}
    yield catalogue.NODE_PEERS, {(node.id, node.region): node.load.peers for node in known}
    yield catalogue.NODE_CPU, {(node.id, node.region): node.load.cpu for node in known}
    yield catalogue.NODES_HELD, {(): len(registry.verdict.held)}
    yield catalogue.SELECTIONS, _one_label(registry.tally.chosen)
    yield catalogue.SELECTIONS_REFUSED, {(): registry.tally.refused}
    yield catalogue.REJECTIONS, _one_label(registry.tally.rejected)


def relays(turn: TurnRelays, relayed: Mapping[str, tuple[int, int]]) -> Read:
    """`relayed`: bytes received and sent, by relay."""
    usable = turn.usable
    yield catalogue.TURN_CREDENTIALS, {(): turn.minted}
    yield (
        catalogue.TURN_SERVER_UP,
        {
            (server.id, server.region, transport): transport in usable.get(server.id, ())
            for server in turn.servers
            for transport in server.transports
        },
    )
    yield (
        catalogue.TURN_BYTES,
        {
            (relay, direction): count
            for relay, both in relayed.items()
            for direction, count in zip(("received", "sent"), both, strict=True)
        },
    )


def _states(registry: NodeRegistry, known: Iterable[Node]) -> Figures:
    """All states of each node, so that a change is a change of values and not of series."""
    return {
        (node.id, node.region, state): state == now
        for node in known
        for now in (registry.state_of(node),)
        for state in NODE_STATES
    }


def _via(member: Member) -> str:
    return "http" if member.person.ingest is not None else "signaling"


def _one_label(counted: Counter[str] | Counter[NodeId]) -> Figures:
    return {(label,): count for label, count in counted.items()}
