"""Nobody hears what is muted or forbidden, whatever its publisher sends: the node is told not to forward it."""

from collections.abc import Iterable

import structlog

from control_plane.errors import ControlPlaneError
from control_plane.ids import TrackId
from control_plane.rooms.announcing import Announcer
from control_plane.rooms.member import Member
from control_plane.rooms.node_access import NodeAccess
from control_plane.rooms.placed import Placed
from media_adapters.contract import MediaNode
from media_adapters.models import Capability, PeerRef

log = structlog.get_logger()


def to_silence(member: Member, placed: Placed) -> frozenset[TrackId]:
    """Of what the member's publisher carries: what is muted, what a moderator has stopped, and what may not be sent."""
    person, known, sending = member.person, member.room.state.tracks, placed.sending
    forbidden = {track.id for track in sending.values() if track.source not in person.permissions.publish}
    muted = {track for track in sending if track in known and known[track].muted}
    return frozenset(forbidden | muted | (set(person.stopped) & sending.keys()))


class Silencer:
    def __init__(self, access: NodeAccess, announcer: Announcer) -> None:
        self._access = access
        self._announcer = announcer

    async def bring_in_line(self, member: Member, placed: Placed) -> None:
        """Tell the node until it keeps exactly those tracks to itself. The next look at the room tries again."""
        if placed.silencing:
            return
        placed.silencing = True
        try:
            while self._goes_on(member, placed) and (wanted := to_silence(member, placed)) != placed.silenced:
                before = placed.silenced
                async with self._access.commanding(member, placed) as node:
                    await self._tell(node, placed.peer, wanted - before, before - wanted)
                placed.silenced = wanted
                await self._announce_again(member, placed, before - wanted)
        except ControlPlaneError as error:
            log.info("silencing_failed", room=member.room.room, participant=member.id, reason=error.code)
        finally:
            placed.silencing = False

    @staticmethod
    def _goes_on(member: Member, placed: Placed) -> bool:
        return member.present and placed in member.placements

    @staticmethod
    async def _tell(node: MediaNode, peer: PeerRef, silent: Iterable[TrackId], heard: Iterable[TrackId]) -> None:
        if Capability.SERVER_MUTE not in (await node.describe()).capabilities:
            return  # their publisher is told as well, and whoever trusts nobody takes another adapter
        for tracks, muted in ((silent, True), (heard, False)):
            for track in tracks:
                await node.mute_track(peer, track, muted)

    async def _announce_again(self, member: Member, placed: Placed, heard: Iterable[TrackId]) -> None:
        """What was forbidden had ended for the room; it may be there again."""
        known = member.room.state.tracks
        back = [placed.sending[track] for track in heard if track in placed.sending and track not in known]
        if back:
            await self._announcer.announce(member, back)
