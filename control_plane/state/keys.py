"""Every key and channel in Redis. What must change together shares a hash tag, `{…}`, and so a slot of the cluster."""

from control_plane.ids import NodeId, ReplicaId, RoomId

REPLICAS_ALIVE = "nv:{replicas}:alive"
"""Sorted set: replica → when it last proved itself, Redis time in ms."""

NODE_REPORTS = "nv:{nodes}:reports"
"""Hash: node → its last heartbeat, as JSON text."""
NODE_METERS = "nv:{nodes}:meters"
"""Hash: node → what scripts need of it, as numbers with spaces between."""
NODE_RESERVED = "nv:{nodes}:reserved"
"""Hash: node → streams reserved on it that its measured load does not include yet."""
NODE_CHANGED = "nv:{nodes}:changed"
"""Sorted set: node → when it reported or something was reserved there last, Redis time in ms."""

ROOMS_SEEN = "nv:{rooms}:seen"
"""Sorted set: room → when a replica held it last, Redis time in ms."""
ROOM_NAMES = "nv:{rooms}:names"
"""Sorted set: the same rooms, all with score 0, which sorts them by name."""


def node_reservations(node: NodeId) -> str:
    """Sorted set: reservations that count on this node → when they were made, Redis time in ms."""
    return f"nv:{{nodes}}:reservations:{node}"


def node_reservation(reservation: str) -> str:
    """String: how many streams this reservation is for and the node that holds it, with a TTL."""
    return f"nv:{{nodes}}:reservation:{reservation}"


def node_place(place: str) -> str:
    """String, with a TTL: the node on which those who place the same room settle."""
    return f"nv:{{nodes}}:place:{place}"


def room_key(room: RoomId, part: str) -> str:
    """One part of a room's state."""
    return f"nv:{{room:{room}}}:{part}"


BAN_NEWS = "nv:bans"
"""Channel: who is kept out of which room from now on, for every replica."""


NODE_NEWS = "nv:node-records"
"""Channel: an operator has decided something about a node, for every replica."""

POLICY_NEWS = "nv:policies"
"""Channel: of which room the policy is another now, for every replica."""


def remembered(kind: str, room: RoomId, part: str) -> str:
    """What is remembered of a room's `bans` or `policy`; the database decides."""
    return f"nv:{{{kind}:{room}}}:{part}"


def inbox(replica: ReplicaId) -> str:
    """Channel: what other replicas tell this one."""
    return f"nv:inbox:{replica}"


WHIP_HELD = "nv:{whip}:held"
"""Hash: replica → rooms with publishers by HTTP whom it speaks for, as a JSON list."""


def idempotent(api_key: str, digest: str) -> str:
    """String, with a TTL: the request that came with this idempotency key first, and when."""
    return f"nv:idempotent:{api_key}:{digest}"


TURN_CUTS = "nv:{turn}:cuts"
"""Sorted set: who may relay no more, by opaque id → when that was said, Redis time in ms."""


def turn_usage(tag: str, day: str) -> str:
    """Hash, with a TTL: what a room relayed on that day (`received`, `sent`), and what was counted of each `run:…`."""
    return f"nv:{{turn:{tag}}}:usage:{day}"
