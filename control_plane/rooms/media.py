"""Between members and their media nodes: descriptions, candidates, subscriptions and what the nodes tell.

While a call moves a member is at two nodes at once. Each of its placements has an epoch, which every message about
media names. Subscriptions are reconciled, not commanded: what a member should receive follows from the room and from
its wishes, and is sent as a whole whenever it differs from what its node was told last.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import structlog

from control_plane import errors
from control_plane.errors import ControlPlaneError, StaleMessage
from control_plane.ids import NodeId, ParticipantId, RoomId
from control_plane.rooms import relay_only
from control_plane.rooms.announcing import Announcer
from control_plane.rooms.arrivals import Milestone
from control_plane.rooms.hub import RoomHub
from control_plane.rooms.local import LocalRoom
from control_plane.rooms.member import Member
from control_plane.rooms.node_access import NodeAccess, Nodes, tolerating
from control_plane.rooms.placed import Placed
from control_plane.rooms.publishing import check_offer
from control_plane.rooms.receiving import Receiver, due
from control_plane.rooms.relay_only import NotRelayed
from control_plane.rooms.relaying import tell_answer, tell_candidate, tell_offer
from control_plane.rooms.silence import Silencer, to_silence
from control_plane.rooms.store import RoomStore
from control_plane.signaling.messages import Candidate, Description
from media_adapters.contract import MediaNode
from media_adapters.errors import RoomNotFound
from media_adapters.events import (
    CandidateGathered,
    ConnectionChanged,
    MediaEvent,
    PeerClosed,
    RoomClosed,
    SfuDied,
    SubscriberOffered,
    TrackStarted,
    TrackStopped,
)
from media_adapters.models import (
    PeerConnectionRole,
    PeerStatus,
    PlayerOffer,
    PublishedTrack,
    PublisherAnswer,
    PublisherOffer,
    RoomRef,
    RoomSpec,
    Subscription,
    TrackId,
)

log = structlog.get_logger()


class MediaPlane:
    """`find` gives the member of a participant whose connection is on this replica."""

    def __init__(
        self, nodes: Nodes, store: RoomStore, spec: RoomSpec, find: Callable[[RoomId, ParticipantId], Member | None]
    ) -> None:
        self._access = NodeAccess(nodes)
        self._announcer = Announcer(store)
        self._silencer = Silencer(self._access, self._announcer)
        self._receiver = Receiver(self._access, spec)
        self._store = store
        self._spec = spec
        self._find = find
        self._tasks: set[asyncio.Task[None]] = set()

    # What clients ask

    async def description(self, member: Member, message: Description) -> None:
        """The publisher's offer, which is answered by an event, or the subscriber's answer."""
        placed = self._expect_epoch(member, message.epoch)
        sdp = self._may_leave(member, message.description.sdp)
        placed.negotiations.check(message.pc, message.negotiation, sdp)
        expected = "offer" if message.pc is PeerConnectionRole.PUBLISHER else "answer"
        if message.description.type != expected:
            raise errors.InvalidDescription(f"The client's description of the {message.pc} is an {expected}.")
        async with self._access.commanding(member, placed) as node:
            if message.pc is PeerConnectionRole.PUBLISHER:
                offer = PublisherOffer(negotiation=message.negotiation, sdp=sdp, tracks=message.tracks)
                answer = await self._publish(node, member, placed, offer)
                if answer is not None:
                    tell_answer(member, placed, answer)
            else:
                await node.answer(placed.peer, message.negotiation, sdp)
                member.reached(Milestone.ANSWERED)
            for candidate in placed.negotiations.accepted(message.pc, message.negotiation, sdp):
                await node.add_candidate(placed.peer, message.pc, candidate)

    async def publish(self, member: Member, offer: PublisherOffer) -> str:
        """The node's answer to an offer that came by another way than signaling. Raises what `description` raises."""
        pc = PeerConnectionRole.PUBLISHER
        placed = self._expect_epoch(member, member.announced_epoch)
        offer = offer.model_copy(update={"sdp": self._may_leave(member, offer.sdp)})
        placed.negotiations.check(pc, offer.negotiation, offer.sdp)
        async with self._access.commanding(member, placed) as node:
            answer = await self._publish(node, member, placed, offer)
        if answer is None:
            raise StaleMessage("This participant's stay is over.")
        placed.negotiations.accepted(pc, offer.negotiation, offer.sdp)
        return answer.sdp

    async def play(self, member: Member, offer: PlayerOffer) -> str:
        """The node's answer to a player's offer. Raises what `publish` raises, `NotSupported`, and `NotFound` when
        nothing that it watches is there."""
        pc = PeerConnectionRole.SUBSCRIBER
        placed = self._expect_epoch(member, member.announced_epoch)
        offer = offer.model_copy(update={"sdp": self._may_leave(member, offer.sdp)})
        placed.negotiations.check(pc, offer.negotiation, offer.sdp)
        wanted = [Subscription(track=track) for track in member.person.ingest.watches] if member.person.ingest else []
        member.reached(Milestone.OFFERED)
        async with self._access.commanding(member, placed) as node:
            answer = await node.play(placed.peer, offer, wanted)
        member.reached(Milestone.ANSWERED)
        if member.ended:  # meanwhile, and this may have come after the end of its media
            await self._close(member, placed)
            raise StaleMessage("This participant's stay is over.")
        return answer.sdp

    async def candidate(self, member: Member, message: Candidate) -> None:
        placed = self._expect_epoch(member, message.epoch)
        candidate = message.candidate
        if member.room.state.policy.relay_only:
            try:
                candidate = relay_only.candidate(candidate)
            except NotRelayed:
                return
        if placed.negotiations.candidate(message.pc, message.negotiation, candidate):
            async with self._access.commanding(member, placed) as node:
                await node.add_candidate(placed.peer, message.pc, candidate)

    async def ready(self, member: Member, epoch: int) -> None:
        """The client says that all it wanted flows in this epoch. Whoever moves the room waits for that."""
        self._expect_epoch(member, epoch)
        log.info("media_flows", room=member.room.room, participant=member.id, epoch=epoch)
        member.reached(Milestone.FLOWING)
        if member.person.previous is not None or member.room.state.moving:
            local = member.room
            await local.changing(lambda: self._store.ready(local.room, member.id, member.generation, epoch))

    async def close(self, member: Member) -> None:
        """End all of the member's media; a node that can't be reached forgets them by itself."""
        await asyncio.gather(*(self._close(member, placed) for placed in (*member.placements, *member.left)))

    def gone(self, member: Member) -> None:
        """The member's stay was ended by somebody else: its media end too, in the background."""
        self._start(self.close(member))

    # What follows from the room

    def prepare(self, member: Member) -> None:
        """Have the room open at the node by the time that the client's first offer comes. Once for each leg: a room
        that the node has lost since is opened by who publishes there."""
        local, leg = member.room, member.person.leg
        if leg and local.opened != leg:
            local.opened = leg
            self._start(self._prepare(member))

    def reconcile(self, members: Iterable[Member]) -> None:
        """Bring what these members send and receive in line with their rooms, in the background."""
        for member in members:
            for placed in member.placements:
                if member.present and not placed.silencing and to_silence(member, placed) != placed.silenced:
                    self._start(self._silencer.bring_in_line(member, placed))
                if member.present and not placed.reconciling and due(member, placed) is not None:
                    self._start(self._receiver.bring_in_line(member, placed))
            left, member.left = member.left, []
            for placed in left:
                self._start(self._close(member, placed))

    async def adopt(self, member: Member) -> PeerStatus | None:
        """Take the member's media over, after a resume or when the node's connection is new; None if they are not
        where they should be, or waiting.

        An offer that waits for its answer comes again as an event. Raises `MediaUnavailable`.
        """
        statuses = {placed.epoch: await self.adopt_in(member, placed) for placed in member.placements}
        there = [status for status in statuses.values() if status is not None]
        if there:
            await self._announcer.heal(member, there)
        self.reconcile([member])
        return statuses.get(member.announced_epoch)

    async def adopt_in(self, member: Member, placed: Placed) -> PeerStatus | None:
        """The same for one placement. Of one that is being left, a node that is away is no error."""
        try:
            async with self._access.commanding(member, placed) as node:
                status = await node.adopt(placed.peer)
        except errors.NotFound:
            return None
        except errors.MediaUnavailable:
            if placed is member.placed:
                raise
            return None
        placed.subscribed = None  # what it was told last may be of another connection, or of this one in between
        placed.sending, placed.silenced = {track.id: track for track in status.tracks}, status.muted
        placed.connected = _connected(status)
        return status

    def node_connected(self, node: NodeId, rooms: Iterable[LocalRoom]) -> None:
        """A way to the node is there, maybe again: its events go to who adopted last."""
        for room in rooms:
            for member in room.members.values():
                if member.present and any(placed.node == node for placed in member.placements):
                    self._start(self._readopt(member))

    def redis_returned(self, rooms: Iterable[LocalRoom]) -> None:
        """What nodes told while Redis was away could not be written down: ask them again."""
        for room in rooms:
            for member in room.members.values():
                if member.present and member.placements:
                    self._start(self._readopt(member))

    # What nodes tell

    def node_event(self, node: NodeId, event: MediaEvent, rooms: RoomHub) -> None:
        """Something happened at a node. `rooms` are those that this replica holds."""
        match event:
            case SfuDied():
                return  # the driver moves its rooms
            case RoomClosed(room=room):
                self._room_closed(node, room, rooms)
                return
        member = self._find(event.peer.room.room, event.peer.participant)
        placed = None if member is None or member.ended else member.placed_in(event.peer.epoch)
        if member is None or placed is None or placed.peer != event.peer:
            return
        match event:
            case SubscriberOffered():
                tell_offer(member, placed, event)
            case CandidateGathered():
                tell_candidate(member, placed, event)
            case TrackStarted(track=track):
                self._start(self._announcer.announce(member, [track]))
            case TrackStopped(track=track_id):
                self._end_tracks(member, placed, {track_id})
            case ConnectionChanged():
                self._connection_changed(member, placed, event)
            case PeerClosed(reason=reason) if placed is member.placed:
                log.warning("peer_closed_by_node", room=member.room.room, participant=member.id, reason=reason)
                self._start(self.renew(member))

    async def renew(self, member: Member) -> None:
        """The node lost this member's media: give it the next epoch, so that its client builds anew."""
        if member.ended:
            return
        try:
            await self._store.renew(member.room.room, member.id, member.generation)
        except ControlPlaneError as error:
            log.info("renewal_failed", room=member.room.room, participant=member.id, reason=error.code)

    async def drain(self) -> None:
        """Wait for what runs in the background."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @staticmethod
    def _may_leave(member: Member, sdp: str) -> str:
        """The client's description as others may get it."""
        return relay_only.description(sdp) if member.room.state.policy.relay_only else sdp

    async def _prepare(self, member: Member) -> None:
        placed = member.placed
        if placed is not None:
            async with tolerating(member, "preparation_failed"), self._access.commanding(member, placed) as node:
                await node.open_room(placed.peer.room, self._spec)

    async def _publish(
        self, node: MediaNode, member: Member, placed: Placed, offer: PublisherOffer
    ) -> PublisherAnswer | None:
        """None when the member's stay, or this placement, ended meanwhile."""
        self._expect_own_tracks(member, offer.tracks)
        check_offer(member.person.permissions, offer.sdp, offer.tracks, placed.sending)
        member.reached(Milestone.OFFERED)
        try:
            answer = await node.publish(placed.peer, offer)
        except RoomNotFound:
            await node.open_room(placed.peer.room, self._spec)
            answer = await node.publish(placed.peer, offer)
        member.reached(Milestone.ANSWERED)
        if member.ended or placed not in member.placements:  # and this may have come after the end of its media
            await self._close(member, placed)
            return None
        ended = placed.sending.keys() - {track.id for track in offer.tracks}
        placed.sending = {track.id: track for track in offer.tracks}
        placed.silenced &= placed.sending.keys()
        self._end_tracks(member, placed, ended)
        self.reconcile([member])
        return answer

    async def _close(self, member: Member, placed: Placed) -> None:
        if placed.node is None:
            return
        try:
            async with self._access.commanding(member, placed) as node:
                await node.close_peer(placed.peer)
        except ControlPlaneError as error:
            log.info("peer_not_closed", room=member.room.room, participant=member.id, reason=error.code)

    def _end_tracks(self, member: Member, placed: Placed, tracks: set[TrackId]) -> None:
        """These are over in one placement. While the call moves, another may carry them still, or already."""
        ended = sorted(tracks - member.sent_elsewhere(placed))
        if ended:
            self._start(self._announcer.end(member, ended))

    def _room_closed(self, node: NodeId, room: RoomRef, rooms: RoomHub) -> None:
        """The node has lost the room. Who has left that node has lost nothing."""
        local = rooms.get(room.room)
        if local is None or not local.loaded or local.incarnation != room.incarnation:
            return
        for each in local.members.values():
            if each.placed is not None and each.placed.node == node:
                self._start(self.renew(each))

    def _connection_changed(self, member: Member, placed: Placed, event: ConnectionChanged) -> None:
        pc, connected = event.pc, event.connected
        if placed is not member.placed:
            return  # its client lets go of it, or it ends with the move
        if member.on_receiving is not None:
            arrive = event.receiving if pc is PeerConnectionRole.PUBLISHER else connected
            member.on_receiving(arrive)
            if arrive:
                member.reached(Milestone.FLOWING)
        if connected:
            placed.connected.add(pc)
        elif pc in placed.connected:
            log.info("connection_over", room=member.room.room, participant=member.id, pc=pc)
            self._start(self.renew(member))

    async def _readopt(self, member: Member) -> None:
        async with tolerating(member, "adoption_failed"):
            status, placed = await self.adopt(member), member.placed
            if status is None and placed is not None and placed.negotiations.begun:
                await self.renew(member)

    @staticmethod
    def _expect_epoch(member: Member, epoch: int) -> Placed:
        if member.ended:
            raise StaleMessage("This participant's stay is over.")
        placed = member.placed_in(epoch)
        if placed is None:
            raise StaleMessage(f"Epoch {epoch} is not this participant's placement now.")
        return placed

    @staticmethod
    def _expect_own_tracks(member: Member, tracks: Iterable[PublishedTrack]) -> None:
        known = member.room.state.tracks
        for track in tracks:
            if track.id in known and known[track.id].participant != member.id:
                raise errors.Conflict("This track id belongs to somebody else.")

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _connected(status: PeerStatus) -> set[PeerConnectionRole]:
    both = ((PeerConnectionRole.PUBLISHER, status.publisher), (PeerConnectionRole.SUBSCRIBER, status.subscriber))
    return {pc for pc, connection in both if connection.connected}
