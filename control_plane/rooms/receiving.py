"""What each member is to receive, told to its node as a whole whenever it differs from what the node was told last."""

import structlog

from control_plane.errors import ControlPlaneError
from control_plane.rooms import views
from control_plane.rooms.member import Member
from control_plane.rooms.node_access import NodeAccess
from control_plane.rooms.placed import Placed
from media_adapters.errors import RoomNotFound
from media_adapters.models import RoomSpec, Subscription

log = structlog.get_logger()


def due(member: Member, placed: Placed) -> tuple[Subscription, ...] | None:
    """What the node is to be told that is wanted; None when it knows, and where nothing is received any more."""
    if member.person.ingest is not None:  # publishes only, or got once and for all what it plays
        return None
    left = placed is not member.placed and member.person.ready  # its client has let go of what it received there
    if placed.topology != "sfu" or left or placed not in member.placements:
        return None
    wanted = desired(member)
    return None if wanted == placed.subscribed else wanted


def desired(member: Member) -> tuple[Subscription, ...]:
    """Everything of others that the member wants, in a stable order."""
    if not member.person.permissions.subscribe:
        return ()
    state = member.room.state
    others = (track for track in state.tracks.values() if track.participant != member.id)
    tracks = sorted(track.id for track in others if views.visible(state.people.get(track.participant), member.id))
    return member.wishes.among(tracks)


class Receiver:
    def __init__(self, access: NodeAccess, spec: RoomSpec) -> None:
        self._access = access
        self._spec = spec

    async def bring_in_line(self, member: Member, placed: Placed) -> None:
        """Tell the node until it knows. The next look at the room, or the node's return, tries again."""
        if placed.reconciling:
            return
        placed.reconciling = True
        try:
            while member.present and (wanted := due(member, placed)) is not None:
                await self._tell(member, placed, wanted)
                placed.subscribed = wanted
        except ControlPlaneError as error:
            log.info("subscription_failed", room=member.room.room, participant=member.id, reason=error.code)
        finally:
            placed.reconciling = False

    async def _tell(self, member: Member, placed: Placed, wanted: tuple[Subscription, ...]) -> None:
        async with self._access.commanding(member, placed) as node:
            try:
                await node.subscribe(placed.peer, wanted)
            except RoomNotFound:
                await node.open_room(placed.peer.room, self._spec)
                await node.subscribe(placed.peer, wanted)
            if member.ended or placed not in member.placements:  # meanwhile, and this may have come after its end
                await node.close_peer(placed.peer)
