"""How much of a node's capacity somebody will take: RTP streams in both directions, guessed before there are any.

Guessed high: what is reserved too much is free again as soon as the node has measured (2 s), what is reserved too
little is felt by everybody on it.
"""

from collections import defaultdict

from control_plane.ids import ParticipantId
from control_plane.rooms.domain import Person, RoomState, TrackRecord
from media_adapters.models import TrackSource

LAYERS = 3
"""A simulcast track is sent in as many; everybody receives one of them."""
LISTENS_AFTER_MS = 10_000
"""Who sent nothing for so long is not expected to begin just now."""
_AT_FIRST = {TrackSource.MICROPHONE: 1, TrackSource.CAMERA: LAYERS}
"""What people begin with, and how many streams they send of it. Screens come later, if at all."""


def of_newcomer(state: RoomState, newcomer: Person) -> int:
    """What they send, what others receive of it, and what they receive of others."""
    tracks = _tracks(state)
    sent, forwarded = _about_to_send(newcomer)
    total = sent
    for person in state.people.values():
        if person.id == newcomer.id or person.lobby:
            continue
        total += forwarded * person.permissions.subscribe
        if newcomer.permissions.subscribe:
            new_too = newcomer.joined_at - person.joined_at < LISTENS_AFTER_MS
            total += len(tracks[person.id]) or (_about_to_send(person)[1] if new_too else 0)
    return total


def of_room(state: RoomState) -> int:
    """What everybody takes together, as far as they send something."""
    tracks = _tracks(state)
    people = [person for person in state.people.values() if not person.lobby]
    receivers = sum(person.permissions.subscribe for person in people)
    total = 0
    for person in people:
        total += sum(LAYERS if track.simulcast else 1 for track in tracks[person.id])
        total += len(tracks[person.id]) * (receivers - person.permissions.subscribe)
    return total


def _about_to_send(person: Person) -> tuple[int, int]:
    """Streams that will reach the node, and how many of them go on to each receiver."""
    if person.ingest is not None and person.ingest.watches:
        return 0, 0
    first = [count for source, count in _AT_FIRST.items() if source in person.permissions.publish]
    return sum(first), len(first)


def _tracks(state: RoomState) -> defaultdict[ParticipantId, list[TrackRecord]]:
    tracks: defaultdict[ParticipantId, list[TrackRecord]] = defaultdict(list)
    for track in state.tracks.values():
        tracks[track.participant].append(track)
    return tracks
