"""A replica's copy of a room that it holds, kept true by deltas and replaced by snapshots. No I/O."""

from collections.abc import Sequence
from typing import Any

from control_plane.rooms.domain import (
    Change,
    ChatSaid,
    Delta,
    LegChanged,
    LegGone,
    MoveChanged,
    PersonChanged,
    PersonGone,
    PolicyChanged,
    RoomState,
    TrackChanged,
    TrackGone,
)

MAX_CHAT = 100


class Gap(Exception):
    """A delta is missing, or the room is another incarnation: a snapshot must be fetched."""


class Mirror:
    """`state` is the room at the last version applied."""

    def __init__(self, state: RoomState) -> None:
        self.state = state

    def apply(self, delta: Delta) -> Sequence[Change]:
        """The changes that are new, after they were applied; none when the delta is old. Raises `Gap`."""
        if delta.incarnation != self.state.incarnation:
            raise Gap
        if delta.version <= self.state.version:
            return ()
        if delta.version != self.state.version + 1:
            raise Gap
        people, tracks, legs = dict(self.state.people), dict(self.state.tracks), dict(self.state.legs)
        chat = self.state.chat
        for change in delta.changes:
            match change:
                case PersonChanged(person=person):
                    people[person.id] = person
                case PersonGone(id=gone):
                    people.pop(gone, None)
                case TrackChanged(track=track):
                    tracks[track.id] = track
                case TrackGone(id=ended):
                    tracks.pop(ended, None)
                case LegChanged(leg=leg):
                    legs[leg.id] = leg
                case LegGone(id=lost):
                    legs.pop(lost, None)
                case ChatSaid(message=message):
                    chat = (*chat, message)[-MAX_CHAT:]
                case _:
                    pass
        update = {"version": delta.version, "people": people, "tracks": tracks, "legs": legs, "chat": chat}
        self.state = self.state.model_copy(update=update | _rules(delta))
        return delta.changes

    def replace(self, state: RoomState) -> bool:
        """Take a snapshot unless it tells nothing new. Whether it was taken."""
        if state.incarnation == self.state.incarnation and state.version <= self.state.version:
            return False
        self.state = state
        return True


def _rules(delta: Delta) -> dict[str, Any]:
    """What a delta says of the policy, and when that was, and of where the room is to go."""
    rules: dict[str, Any] = {}
    for change in delta.changes:
        if isinstance(change, PolicyChanged):
            rules |= {"policy": change.policy, "policy_at": delta.version}
        elif isinstance(change, MoveChanged):
            rules["move"] = change.move
    return rules
