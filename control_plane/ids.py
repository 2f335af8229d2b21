"""Identifiers are types, so that one can't be passed for another, and how new ones are made."""

import secrets
from typing import NewType

from media_adapters.models import Incarnation, NodeId, ParticipantId, RoomId, TrackId

__all__ = [
    "ConnectionId",
    "Identity",
    "Incarnation",
    "LegId",
    "NodeId",
    "ParticipantId",
    "ReplicaId",
    "RoomId",
    "TrackId",
    "new_id",
]

ReplicaId = NewType("ReplicaId", str)
ConnectionId = NewType("ConnectionId", str)
LegId = NewType("LegId", str)
Identity = NewType("Identity", str)
"""Who a person is to the integrator. One identity may be in many rooms; a participant is one presence in one room."""


def new_id(prefix: str) -> str:
    """An unguessable id such as `p_Jw8hT0cQ3kVb2xZl`: 96 random bits, safe in URLs."""
    return f"{prefix}_{secrets.token_urlsafe(12)}"
