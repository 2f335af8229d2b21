"""A room as Janus knows it."""

import hashlib
from collections.abc import Callable

from media_adapters.common.room import Emit, TrackRoom
from media_adapters.models import PeerRef, RoomRef


class Room(TrackRoom):
    """`id` is the room's name in Janus: it says nothing about the room, and differs for each incarnation.

    `admin_key` is what Janus asks for where requests reach beyond the room.
    """

    def __init__(self, ref: RoomRef, emit: Emit, on_destroyed: Callable[[str], None], admin_key: str) -> None:
        super().__init__(ref, emit)
        self.on_destroyed = on_destroyed
        self.id = _digest(ref.room, ref.incarnation)
        self.admin_key = admin_key

    def new_feed(self, peer: PeerRef) -> str:
        """A publisher's name in Janus. Never used twice: Janus frees a name only some time after the detach."""
        return f"{_digest(peer.participant, str(peer.epoch))}.{next(self._numbers)}"


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()
