"""What a client wants to receive, of whatever is there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from control_plane.ids import TrackId
from control_plane.signaling.messages import Subscribe
from media_adapters.models import SimulcastLayer, Subscription


@dataclass(frozen=True, slots=True)
class Wishes:
    """`listed` is said track by track; the rest is wanted in the layer `others`, or not at all when that is None."""

    listed: Mapping[TrackId, Subscription] = field(default_factory=dict)
    others: SimulcastLayer | None = SimulcastLayer.HIGH

    @classmethod
    def of(cls, message: Subscribe) -> Self:
        """As a client said them. The last of two entries for one track counts."""
        if message.tracks is None:
            return cls()
        entries = [Subscription(track=TrackId(w.track), layer=w.layer, paused=w.paused) for w in message.tracks]
        return cls({entry.track: entry for entry in entries}, message.others)

    def among(self, tracks: Iterable[TrackId]) -> tuple[Subscription, ...]:
        """What of these is wanted, in their order."""
        wanted = (self.listed.get(track) or self._other(track) for track in tracks)
        return tuple(subscription for subscription in wanted if subscription is not None)

    def _other(self, track: TrackId) -> Subscription | None:
        return None if self.others is None else Subscription(track=track, layer=self.others)
