"""A participant on this node: its two connections, each serialised by itself. Who plays has no subscriber."""

import asyncio

from media_adapters.mediasoup.player import Player
from media_adapters.mediasoup.publisher import Publisher
from media_adapters.mediasoup.room import Room
from media_adapters.mediasoup.subscriber import Subscriber
from media_adapters.models import PeerRef, PeerStatus, TrackId


class Peer:
    def __init__(self, ref: PeerRef, room: Room, deadline: float) -> None:
        self.ref = ref
        self.publisher = Publisher(ref, room, deadline)
        self.subscriber = Subscriber(ref, room, deadline)
        self.player = Player(ref, room, deadline)

    @property
    def status(self) -> PeerStatus:
        return PeerStatus(
            peer=self.ref,
            publisher=self.publisher.status,
            subscriber=self.subscriber.status if self.player.idle else self.player.status,
            tracks=self.publisher.tracks,
            muted=self.publisher.muted,
        )

    @property
    def streams(self) -> int:
        """RTP streams in both directions; a simulcast track counts as the three that it may be."""
        sent = len(self.subscriber.lines) + self.player.streams + self.publisher.taps
        return sent + sum(3 if track.simulcast else 1 for track in self.publisher.tracks)

    @property
    def idle(self) -> bool:
        return self.subscriber.idle and self.player.idle and self.publisher.idle

    def tracks_changed(self, track: TrackId) -> None:
        self.subscriber.tracks_changed(track)

    async def close(self) -> None:
        await asyncio.gather(self.publisher.close(), self.subscriber.close(), self.player.close())
