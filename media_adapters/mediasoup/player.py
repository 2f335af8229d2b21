"""A participant that plays: it offers once, mediasoup answers, and what it gets stays as it is."""

from collections.abc import Awaitable, Sequence

import structlog

from media_adapters.common.plan import Source
from media_adapters.common.sdp import check_plain
from media_adapters.common.serial import Serial
from media_adapters.errors import PeerNotFound, StaleNegotiation, TrackNotFound
from media_adapters.events import ConnectionChanged
from media_adapters.mediasoup.protocol import BridgeEvent, Connected, ConnectionClosed, Played
from media_adapters.mediasoup.publisher import close_connection
from media_adapters.mediasoup.room import Room
from media_adapters.models import (
    ConnectionStatus,
    PeerConnectionRole,
    PeerRef,
    PlayerAnswer,
    PlayerOffer,
    SimulcastLayer,
    SubscribedTrack,
    Subscription,
    TrackId,
)

log = structlog.get_logger()


class Player:
    """One connection of the bridge, made with the first offer."""

    def __init__(self, peer: PeerRef, room: Room, deadline: float) -> None:
        self._peer = peer
        self._room = room
        self._bridge = room.bridge
        self._serial = Serial(deadline)
        self._name: str | None = None
        self._sources: dict[str, Source] = {}
        """What it gets, by mid."""
        self._answer: PlayerAnswer | None = None
        self._up = False
        self._over = False

    @property
    def status(self) -> ConnectionStatus:
        return ConnectionStatus(negotiation=self._answer.negotiation if self._answer else 0, connected=self._up)

    @property
    def streams(self) -> int:
        return sum(self._room.current(source.track.id) == source for source in self._sources.values())

    @property
    def idle(self) -> bool:
        """No offer was taken yet."""
        return self._answer is None

    async def play(self, offer: PlayerOffer, wanted: Sequence[Subscription]) -> PlayerAnswer:
        check_plain(offer.sdp)
        return await self._serial.run(lambda: self._play(offer, wanted))

    def close(self) -> Awaitable[None]:
        """End the media. Begins at once, is done when awaited; offers still waiting fail."""
        self._over = True
        return self._serial.wait(self._serial.start(self._hang_up))

    async def _play(self, offer: PlayerOffer, wanted: Sequence[Subscription]) -> PlayerAnswer:
        if self._over:
            raise PeerNotFound("The player's connection is over.")
        if self._answer is not None and offer.negotiation <= self._answer.negotiation:
            if offer.negotiation == self._answer.negotiation:
                return self._answer
            raise StaleNegotiation(f"Negotiation {offer.negotiation} is over.")
        here = {entry.track: self._room.current(entry.track) for entry in wanted if not entry.paused}
        sources = {source.feed: source for source in here.values() if source is not None}
        if self._answer is None and not sources:
            raise TrackNotFound("Nothing of what is wanted is here.")
        played = await self._ask(offer, sources, {entry.track: entry.layer for entry in wanted})
        if self._answer is None:
            self._sources = {flow.mid: sources[flow.producer] for flow in played.lines}
        tracks = tuple(SubscribedTrack(mid=mid, track=source.track.id) for mid, source in self._sources.items())
        self._answer = PlayerAnswer(negotiation=offer.negotiation, sdp=played.sdp, tracks=tracks)
        return self._answer

    async def _ask(
        self, offer: PlayerOffer, sources: dict[str, Source], layers: dict[TrackId, SimulcastLayer]
    ) -> Played:
        if self._name is None:
            self._name = self._bridge.new_name("player")
            self._bridge.listen(self._name, self._on_event)
        return await self._bridge.ask(
            Played,
            "play",
            room=self._room.id,
            connection=self._name,
            sdp=offer.sdp,
            wanted=[{"producer": feed, "layer": layers[source.track.id]} for feed, source in sources.items()],
        )

    async def _hang_up(self) -> None:
        name, self._name, self._sources = self._name, None, {}
        if name is not None:
            self._bridge.forget(name)
            await close_connection(self._room, name)

    def _on_event(self, event: BridgeEvent) -> None:
        if self._over:
            return
        match event:
            case Connected():
                self._change(up=True)
            case ConnectionClosed(reason=reason):
                log.info("mediasoup_player_over", reason=reason)
                self._over, self._sources = True, {}
                self._change(up=False)

    def _change(self, *, up: bool) -> None:
        if self._up != up:
            self._up = up
            self._room.emit(ConnectionChanged(peer=self._peer, pc=PeerConnectionRole.SUBSCRIBER, connected=up))
