"""What a player gets of a room: decided once, by what it offers to receive and what its address asks for. No I/O."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from control_plane.errors import InvalidRequest, NotFound
from control_plane.ids import ParticipantId, TrackId
from control_plane.rooms import views
from control_plane.rooms.domain import RoomState, TrackRecord
from media_adapters.models import TrackKind, TrackSource

_BEST_FIRST = (TrackSource.CAMERA, TrackSource.MICROPHONE, TrackSource.SCREEN, TrackSource.SCREEN_AUDIO)


@dataclass(frozen=True, slots=True)
class Choice:
    """`tracks` by id; else those of the `participant` with this identity; else of the only one who publishes."""

    tracks: tuple[str, ...] = ()
    participant: str | None = None


def chosen(state: RoomState, choice: Choice, offered: Iterable[TrackKind]) -> tuple[TrackId, ...]:
    """As many tracks of each kind as are offered to be received. Raises `NotFound`, `InvalidRequest`."""
    seen = [track for track in state.tracks.values() if views.visible(state.people.get(track.participant), _NOBODY)]
    wanted = _listed(seen, choice.tracks) if choice.tracks else _of_one(state, seen, choice.participant)
    room = Counter(offered)
    taken = []
    for track in wanted:
        if room[track.kind] > 0:
            room[track.kind] -= 1
            taken.append(track.id)
    if not taken:
        raise NotFound("Nothing of what is offered to be received is published here now.")
    return tuple(taken)


def remaining(state: RoomState, viewer: ParticipantId, watched: Iterable[TrackId]) -> bool:
    """Whether anything is left of what a player watches, and it may."""
    person = state.people.get(viewer)
    if person is None or not person.permissions.subscribe:
        return False
    tracks = (state.tracks.get(track) for track in watched)
    return any(track is not None and views.visible(state.people.get(track.participant), viewer) for track in tracks)


_NOBODY = ParticipantId("")


def _listed(seen: Sequence[TrackRecord], listed: Iterable[str]) -> list[TrackRecord]:
    by_id = {str(track.id): track for track in seen}
    missing = [each for each in listed if each not in by_id]
    if missing:
        raise NotFound("track: there is no such track in the room now.")
    return [by_id[each] for each in dict.fromkeys(listed)]


def _of_one(state: RoomState, seen: Sequence[TrackRecord], identity: str | None) -> list[TrackRecord]:
    """The latest first of each source: cameras and microphones before screens and their sound."""
    if identity is None and len({track.participant for track in seen}) > 1:
        raise InvalidRequest("participant or track: several people publish here, so say whom to play.")
    own = [
        track for track in reversed(seen) if identity is None or state.people[track.participant].identity == identity
    ]
    return sorted(own, key=lambda track: _BEST_FIRST.index(track.source))
