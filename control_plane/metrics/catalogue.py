"""Every metric of a replica. Its labels take few values: never a room, a participant or an address."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Described:
    """A metric as it is scraped. `buckets` are upper bounds, in seconds."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


PEOPLE_WAIT = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)
"""What somebody notices, and what they give up at."""
MACHINES_WAIT = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5)

VIA = ("signaling", "http")

JOIN_SECONDS = Described(
    "nexusvibe_join_seconds", "histogram", "From a join's request to its reply, of those who got in.", ("via",),
    PEOPLE_WAIT,
)  # fmt: skip
FIRST_MEDIA_SECONDS = Described(
    "nexusvibe_first_media_seconds", "histogram",
    "From a join's request until the client says that all it wants flows; by HTTP, until media arrive at the node, or "
    "the player is connected to it.",
    ("via",), PEOPLE_WAIT,
)  # fmt: skip
JOINS = Described(
    "nexusvibe_joins_total", "counter", "Joins by how they ended: joined, lobby, or the error's code.",
    ("via", "outcome"),
)  # fmt: skip
RESUMES = Described(
    "nexusvibe_resumes_total", "counter", "Resumes by how they ended: ok, or the error's code.", ("outcome",)
)
ROOMS = Described("nexusvibe_rooms", "gauge", "Live rooms that this replica drives; summed up, all of them.")
ROOMS_HELD = Described("nexusvibe_rooms_held", "gauge", "Rooms with somebody whose connection is here.")
PARTICIPANTS = Described(
    "nexusvibe_participants", "gauge", "People whose connection is here, in_room or in the lobby.", ("via", "state")
)
TRACKS = Described("nexusvibe_tracks", "gauge", "Tracks that those people publish.", ("kind", "source"))

CONNECTIONS = Described("nexusvibe_connections", "gauge", "Open websockets of clients.")
REQUESTS = Described(
    "nexusvibe_requests_total", "counter", "Messages of clients that were understood, by their type.", ("type",)
)
REPLIES = Described("nexusvibe_replies_total", "counter", "Replies to them.")
EVENTS = Described(
    "nexusvibe_events_total", "counter", "Events sent to clients, once for each connection that one went to."
)
ERRORS = Described(
    "nexusvibe_errors_total", "counter", "Errors that were answered, where: signaling or http.", ("where", "code")
)
HTTP_REQUESTS = Described(
    "nexusvibe_http_requests_total", "counter", "Requests over HTTP, by the route as it is registered.",
    ("route", "method", "status"),
)  # fmt: skip

DELIVERY_SECONDS = Described(
    "nexusvibe_delivery_seconds", "histogram",
    "From publishing a message until a replica hears it: each second to itself through Redis, by one clock.",
    (), MACHINES_WAIT,
)  # fmt: skip
LOOP_LAG_SECONDS = Described(
    "nexusvibe_event_loop_lag_seconds", "histogram", "How much too late the event loop woke up, twice a second.",
    (), MACHINES_WAIT,
)  # fmt: skip
READY = Described("nexusvibe_ready", "gauge", "1 when people can join here, as /readyz says.")
AVAILABLE = Described(
    "nexusvibe_available", "gauge", "1 while this part of what a replica uses is there, see /readyz.", ("part",)
)
RUNNING = Described(
    "nexusvibe_running", "gauge", "0 when a fault of ours has ended this work, see /healthz.", ("work",)
)
INFO = Described("nexusvibe_info", "gauge", "1; what runs here.", ("replica", "version"))

NODE_INFO = Described(
    "nexusvibe_node_info", "gauge", "1; the media server of each node.", ("node", "region", "backend", "version")
)
NODE_STATE = Described(
    "nexusvibe_node_state", "gauge", "1 for the state that the node is in: up, draining, sfu_down, silent or lost.",
    ("node", "region", "state"),
)  # fmt: skip
NODE_CONNECTED = Described(
    "nexusvibe_node_connected", "gauge", "1 while this replica is connected to the node; of those it has dialled.",
    ("node",),
)  # fmt: skip
NODE_HEARTBEAT_AGE = Described(
    "nexusvibe_node_heartbeat_age_seconds", "gauge", "Since its last heartbeat was recorded.", ("node", "region")
)
NODE_CAPACITY = Described(
    "nexusvibe_node_capacity_streams", "gauge", "RTP streams that it is good for, as configured.", ("node", "region")
)
NODE_STREAMS = Described(
    "nexusvibe_node_streams", "gauge", "RTP streams that it carries, as measured there.", ("node", "region")
)
NODE_RESERVED = Described(
    "nexusvibe_node_reserved_streams", "gauge", "RTP streams that are promised on it beside those.", ("node", "region")
)
NODE_ROOMS = Described("nexusvibe_node_rooms", "gauge", "Rooms that are open on it.", ("node", "region"))
NODE_PEERS = Described("nexusvibe_node_peers", "gauge", "Participants whose media it carries.", ("node", "region"))
NODE_CPU = Described(
    "nexusvibe_node_cpu_ratio", "gauge", "Share of its machine's cores that the media server uses, 0 to 1.",
    ("node", "region"),
)  # fmt: skip
NODES_HELD = Described(
    "nexusvibe_nodes_held", "gauge", "Nodes that look lost, but too many at once to be believed: nothing moves."
)
SELECTIONS = Described("nexusvibe_selections_total", "counter", "Choices of a node, by the chosen one.", ("node",))
SELECTIONS_REFUSED = Described(
    "nexusvibe_selections_refused_total", "counter", "Choices that came to nothing: no node could take it."
)
REJECTIONS = Described(
    "nexusvibe_selection_rejections_total", "counter", "Nodes that were out of the question in a choice, by reason.",
    ("reason",),
)  # fmt: skip

TURN_CREDENTIALS = Described("nexusvibe_turn_credentials_total", "counter", "TURN credentials that were given out.")
TURN_SERVER_UP = Described(
    "nexusvibe_turn_server_up", "gauge", "1 while the server relays over this transport, as probed from here.",
    ("server", "region", "transport"),
)  # fmt: skip
TURN_BYTES = Described(
    "nexusvibe_turn_relayed_bytes_total", "counter",
    "Bytes that a relay received from people, and sent to them, as far as it told this replica.",
    ("relay", "direction"),
)  # fmt: skip

ALL = tuple(value for value in globals().values() if isinstance(value, Described))
