"""Somebody by HTTP whom this replica speaks for: what stands in for its connection, and when it is over.

A publisher has no connection whose end would tell that it is gone, so media do: silence for a while ends it. It can't
be told to build its media anew either, so that another placement ends it as well; its encoder posts again. So it is
with a player, whose connection at the node counts as its media; it is over, too, when nothing is left of what it
watches.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Literal

from control_plane.rooms.member import Member
from control_plane.whip.choice import remaining
from media_adapters.models import PlayerOffer, PublisherOffer

FIRST_MEDIA_S: Final = 30.0
"""From the answer until media have to arrive."""
SILENCE_S: Final = 15.0
"""Without media, but a restart of ICE may still mend it."""

Why = Literal["ended", "moved", "silent", "nothing_left"]
"""`ended`: by the room, which needs no leave any more."""


class Session:
    """`on_over` is called once. `offer` is the latest, None when another replica had it; it is never written down."""

    def __init__(self, resource: str, on_over: "Callable[[Session, Why], None]") -> None:
        self.resource = resource
        self.offer: PublisherOffer | PlayerOffer | None = None
        self.restarting = asyncio.Lock()
        self._on_over = on_over
        self._member: Member | None = None
        self._epoch = 0
        self._over = False
        self._patience: asyncio.TimerHandle | None = None

    @property
    def member(self) -> Member:
        if self._member is None:
            raise RuntimeError("a session has a member once it has joined")
        return self._member

    def begin(self, member: Member, *, inherited: bool = False) -> None:
        """The participant is in the room, and media have to arrive; of one that was `inherited` they do already."""
        self._member, self._epoch = member, member.announced_epoch
        member.on_receiving = self.receiving
        self._wait(SILENCE_S if inherited else FIRST_MEDIA_S)

    def receiving(self, receiving: bool) -> None:
        """The node told that media begin or cease to arrive; of a player, that it is connected or not."""
        if receiving:
            self._stop_waiting()
        elif self._patience is None:
            self._wait(SILENCE_S)

    def forget(self) -> None:
        """Whoever calls this ends the stay."""
        self._stop_waiting()
        self._over = True

    # What a room says to a member's connection

    def hold_events(self) -> None:
        """Nothing is sent anywhere."""

    def send_event(self, _body: str) -> None:
        """Whatever happens in the room is a moment to look where its media should be."""
        member = self._member
        if member is None:
            return
        watched = member.person.ingest.watches if member.person.ingest is not None else ()
        if member.announced_epoch != self._epoch:
            self._end("moved")
        elif watched and not remaining(member.room.state, member.id, watched):
            self._end("nothing_left")

    def close(self, _code: int, _reason: str) -> None:
        self._end("ended")

    def _end(self, why: Why) -> None:
        self._stop_waiting()
        if not self._over:
            self._over = True
            if self._member is not None:  # else whoever is about to begin finds the stay over
                self._on_over(self, why)

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        if not self._over:
            self._patience = asyncio.get_running_loop().call_later(seconds, self._end, "silent")

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
