"""Making a room list the tracks that its nodes forward."""

from collections.abc import Iterable, Sequence
from functools import partial

from control_plane.ids import TrackId
from control_plane.rooms.domain import TrackRecord
from control_plane.rooms.member import Member
from control_plane.rooms.node_access import tolerating
from control_plane.rooms.store import RoomStore
from media_adapters.models import PeerStatus, PublishedTrack


class Announcer:
    def __init__(self, store: RoomStore) -> None:
        self._store = store

    async def announce(self, member: Member, tracks: Iterable[PublishedTrack]) -> None:
        """Tell the room of tracks that can be received now; one that it knows stays as it is, also muted."""
        records = [
            TrackRecord(
                id=track.id, participant=member.id, kind=track.kind, source=track.source, simulcast=track.simulcast
            )
            for track in tracks
        ]
        async with tolerating(member, "announcement_failed"):
            await self._change(member, announce=records)

    async def end(self, member: Member, tracks: Sequence[TrackId]) -> None:
        async with tolerating(member, "track_end_failed"):
            await self._change(member, ended=tracks)

    async def heal(self, member: Member, statuses: Sequence[PeerStatus]) -> None:
        """Make the room list what nodes forward of this member: an event may have been lost with its receiver.

        While the call moves there are two, of which one may have everything and the other nothing yet."""
        there = {track.id: track for status in statuses for track in status.tracks}
        listed = [track.id for track in member.room.state.tracks.values() if track.participant == member.id]
        missing = [track for track in there.values() if track.id not in listed]
        if missing:
            await self.announce(member, missing)
        if ended := [track for track in listed if track not in there]:
            await self.end(member, ended)

    async def _change(
        self, member: Member, *, announce: Sequence[TrackRecord] = (), ended: Sequence[TrackId] = ()
    ) -> None:
        change = partial(self._store.change_tracks, member.room.room, member.id, member.generation)
        await member.room.changing(partial(change, announce=announce, ended=ended))
