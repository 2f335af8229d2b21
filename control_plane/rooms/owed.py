"""Changes that Redis was not there to take, to be made once it is: nobody may stay in a room who has left it."""

from collections.abc import Awaitable, Callable

import structlog

from control_plane.errors import ControlPlaneError, Unavailable
from control_plane.ids import ParticipantId, RoomId

log = structlog.get_logger()

MOST = 10_000

Change = Callable[[], Awaitable[None]]


class Owed:
    """One change for each participant, the latest; made again and again until Redis has answered, whatever it says."""

    def __init__(self) -> None:
        self._changes: dict[tuple[RoomId, ParticipantId], Change] = {}

    async def make(self, room: RoomId, participant: ParticipantId, change: Change) -> None:
        """Make the change now, or later if Redis can't be reached. What it refuses is done with."""
        try:
            await change()
        except Unavailable:
            if len(self._changes) < MOST:
                self._changes[(room, participant)] = change
        except ControlPlaneError as error:
            log.info("change_refused", room=room, participant=participant, reason=error.code)

    async def settle(self) -> None:
        """Make what is owed."""
        changes, self._changes = self._changes, {}
        for (room, participant), change in changes.items():
            await self.make(room, participant, change)
