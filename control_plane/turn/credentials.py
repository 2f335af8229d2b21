"""Time-limited TURN credentials, as coturn's `use-auth-secret` takes them (draft-uberti-behave-turn-rest-00 §2.2)."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from control_plane.ids import ParticipantId, RoomId
from media_adapters.models import RoomRef

_TAG_CHARS = 12


@dataclass(frozen=True, slots=True)
class TurnCredential:
    """`username` is `expiry:opaque-id`, `expiry` in seconds since the epoch."""

    username: str
    password: str = field(repr=False)


def mint(secret: str, opaque: str, expires_at: int) -> TurnCredential:
    """`opaque` tells the relay whose allocations belong together, and nothing else."""
    username = f"{expires_at}:{opaque}"
    # The protocol fixes SHA-1; as a keyed hash it is not known to be weak.
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return TurnCredential(username, base64.b64encode(digest).decode())


class OpaqueIds:
    """Names that a TURN server may see. They stay the same for one participant of one life of a room; who does not hold
    the key learns neither room nor participant from them."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.sha256(b"turn opaque ids" + key.encode()).digest()

    def of(self, room: RoomRef, participant: ParticipantId) -> str:
        """`ROOM-PARTICIPANT`, both hashed."""
        return f"{self.room(room.room)}-{self._tag(f'{room.incarnation}/{participant}')}"

    def room(self, room: RoomId) -> str:
        """The part that all share who are ever in a room of this name: usage is counted by it, and found again without
        a list of who was where."""
        return self._tag(f"room/{room}")

    def user(self, key: str, user: str) -> str:
        """Of somebody whom an integrator's server named; the first part is its API key's."""
        return f"{self._tag(f'key/{key}')}-{self._tag(f'{key}/{user}')}"

    def _tag(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:_TAG_CHARS]
