"""A participant on this node: its two connections, each serialised by itself."""

import asyncio
from collections.abc import Callable, Mapping

from media_adapters.common.candidates import check_candidate
from media_adapters.janus.client import JanusClient
from media_adapters.janus.publisher import Publisher
from media_adapters.janus.room import Room
from media_adapters.janus.subscriber import Subscriber
from media_adapters.models import IceCandidate, PeerConnectionRole, PeerRef, PeerStatus, TrackId


class Peer:
    """`on_lost` is called with a reason when Janus drops one of the handles by itself."""

    def __init__(
        self, ref: PeerRef, room: Room, client: JanusClient, deadline: float, on_lost: Callable[[str], None]
    ) -> None:
        self.ref = ref
        self._on_lost = on_lost
        self._lost = False
        self.publisher = Publisher(ref, room, client, deadline, self._lose)
        self.subscriber = Subscriber(ref, room, client, deadline, self._lose)

    @property
    def status(self) -> PeerStatus:
        return PeerStatus(
            peer=self.ref,
            publisher=self.publisher.status,
            subscriber=self.subscriber.status,
            tracks=self.publisher.tracks,
            muted=self.publisher.muted,
        )

    @property
    def streams(self) -> int:
        """RTP streams in both directions; a simulcast track counts as the three that it may be."""
        sent = len(self.subscriber.lines)
        return sent + sum(3 if track.simulcast else 1 for track in self.publisher.tracks)

    @property
    def idle(self) -> bool:
        """Neither connection has come about."""
        return self.subscriber.idle and self.publisher.idle

    def tracks_changed(self, track: TrackId) -> None:
        self.subscriber.tracks_changed(track)

    async def add_candidate(self, pc: PeerConnectionRole, candidate: IceCandidate | None) -> None:
        trickle = self.publisher.trickle if pc is PeerConnectionRole.PUBLISHER else self.subscriber.trickle
        await trickle(_for_janus(candidate))

    def _lose(self, reason: str) -> None:
        """Told once: by then somebody else may be here under the same name."""
        if not self._lost:
            self._lost = True
            self._on_lost(reason)

    async def close(self) -> None:
        await asyncio.gather(self.publisher.close(), self.subscriber.close())


def _for_janus(candidate: IceCandidate | None) -> Mapping[str, object]:
    one = check_candidate(candidate)
    if one is None:
        return {"completed": True}
    where = {"sdpMid": one.sdp_mid, "sdpMLineIndex": one.sdp_m_line_index}
    return {"candidate": one.candidate, **{name: value for name, value in where.items() if value is not None}}
