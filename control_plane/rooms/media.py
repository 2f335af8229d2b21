"""Between members and their media nodes: descriptions, candidates, subscriptions and what the nodes tell.

Subscriptions are reconciled, not commanded: what a member should receive follows from the room and from its wishes, and
is sent as a whole whenever it differs from what its node was told last.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import structlog

from control_plane import errors
from control_plane.errors import ControlPlaneError, StaleMessage
from control_plane.ids import NodeId, ParticipantId, RoomId
from control_plane.rooms import relay_only, views
from control_plane.rooms.announcing import Announcer
from control_plane.rooms.arrivals import Milestone
from control_plane.rooms.hub import RoomHub
from control_plane.rooms.local import LocalRoom
from control_plane.rooms.member import Member
from control_plane.rooms.node_access import NodeAccess, Nodes, node_of, tolerating
from control_plane.rooms.publishing import check_offer
from control_plane.rooms.relay_only import NotRelayed
from control_plane.rooms.silence import Silencer, to_silence
from control_plane.rooms.store import RoomStore
from control_plane.signaling.messages import Candidate, CandidateEvent, Description, DescriptionEvent
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
    PeerRef,
    PeerStatus,
    PlayerOffer,
    PublishedTrack,
    PublisherAnswer,
    PublisherOffer,
    RoomSpec,
    SessionDescription,
    Subscription,
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
        self._store = store
        self._spec = spec
        self._find = find
        self._tasks: set[asyncio.Task[None]] = set()

    # What clients ask

    async def description(self, member: Member, message: Description) -> None:
        """The publisher's offer, which is answered by an event, or the subscriber's answer."""
        self._expect_epoch(member, message.epoch)
        sdp = self._may_leave(member, message.description.sdp)
        member.negotiations.check(message.pc, message.negotiation, sdp)
        expected = "offer" if message.pc is PeerConnectionRole.PUBLISHER else "answer"
        if message.description.type != expected:
            raise errors.InvalidDescription(f"The client's description of the {message.pc} is an {expected}.")
        async with self._access.commanding(member) as node:
            if message.pc is PeerConnectionRole.PUBLISHER:
                offer = PublisherOffer(negotiation=message.negotiation, sdp=sdp, tracks=message.tracks)
                await self._answer(node, member, offer)
            else:
                await node.answer(member.peer(), message.negotiation, sdp)
                member.reached(Milestone.ANSWERED)
            for candidate in member.negotiations.accepted(message.pc, message.negotiation, sdp):
                await node.add_candidate(member.peer(), message.pc, candidate)

    async def publish(self, member: Member, offer: PublisherOffer) -> str:
        """The node's answer to an offer that came by another way than signaling. Raises what `description` raises."""
        pc = PeerConnectionRole.PUBLISHER
        self._expect_epoch(member, member.announced_epoch)
        offer = offer.model_copy(update={"sdp": self._may_leave(member, offer.sdp)})
        member.negotiations.check(pc, offer.negotiation, offer.sdp)
        async with self._access.commanding(member) as node:
            answer = await self._publish(node, member, offer)
        if answer is None:
            raise StaleMessage("This participant's stay is over.")
        member.negotiations.accepted(pc, offer.negotiation, offer.sdp)
        return answer.sdp

    async def play(self, member: Member, offer: PlayerOffer) -> str:
        """The node's answer to a player's offer. Raises what `publish` raises, `NotSupported`, and `NotFound` when
        nothing that it watches is there."""
        pc, peer = PeerConnectionRole.SUBSCRIBER, member.peer()
        self._expect_epoch(member, member.announced_epoch)
        offer = offer.model_copy(update={"sdp": self._may_leave(member, offer.sdp)})
        member.negotiations.check(pc, offer.negotiation, offer.sdp)
        wanted = [Subscription(track=track) for track in member.person.ingest.watches] if member.person.ingest else []
        member.reached(Milestone.OFFERED)
        async with self._access.commanding(member) as node:
            answer = await node.play(peer, offer, wanted)
        member.reached(Milestone.ANSWERED)
        if member.ended:  # meanwhile, and this may have come after the end of its media
            await self.close(member, peer)
            raise StaleMessage("This participant's stay is over.")
        return answer.sdp

    async def candidate(self, member: Member, message: Candidate) -> None:
        self._expect_epoch(member, message.epoch)
        candidate = message.candidate
        if member.room.state.policy.relay_only:
            try:
                candidate = relay_only.candidate(candidate)
            except NotRelayed:
                return
        if member.negotiations.candidate(message.pc, message.negotiation, candidate):
            async with self._access.commanding(member) as node:
                await node.add_candidate(member.peer(), message.pc, candidate)

    def ready(self, member: Member, epoch: int) -> None:
        """The client says that all it wanted flows in this epoch."""
        self._expect_epoch(member, epoch)
        log.info("media_flows", room=member.room.room, participant=member.id, epoch=epoch)
        member.reached(Milestone.FLOWING)

    async def close(self, member: Member, peer: PeerRef | None = None) -> None:
        """End the member's media, or an earlier placement's; a node that can't be reached forgets it by itself."""
        if not member.person.leg:
            return
        try:
            async with self._access.commanding(member) as node:
                await node.close_peer(peer or member.peer())
        except ControlPlaneError as error:
            log.info("peer_not_closed", room=member.room.room, participant=member.id, reason=error.code)

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
            if member.present and not member.silencing and to_silence(member) != member.silenced:
                self._start(self._silencer.bring_in_line(member))
            if member.welcomed and not member.reconciling and not member.ended and self._due(member) is not None:
                member.reconciling = True
                self._start(self._reconcile(member))

    async def adopt(self, member: Member) -> PeerStatus | None:
        """Take the member's media over, after a resume or when the node's connection is new; None if it is not there.

        An offer that waits for its answer comes again as an event. Raises `MediaUnavailable`.
        """
        try:
            async with self._access.commanding(member) as node:
                status = await node.adopt(member.peer())
        except errors.NotFound:
            return None
        member.subscribed = None  # what it was told last may be of another connection, or of this one in between
        member.sending, member.silenced = {track.id: track for track in status.tracks}, status.muted
        member.connected = {
            pc
            for pc, connection in (
                (PeerConnectionRole.PUBLISHER, status.publisher),
                (PeerConnectionRole.SUBSCRIBER, status.subscriber),
            )
            if connection.connected
        }
        await self._announcer.heal(member, status)
        self.reconcile([member])
        return status

    def node_connected(self, node: NodeId, rooms: Iterable[LocalRoom]) -> None:
        """A way to the node is there, maybe again: its events go to who adopted last."""
        for room in rooms:
            for member in room.members.values():
                if member.present and node_of(member) == node:
                    self._start(self._readopt(member))

    def redis_returned(self, rooms: Iterable[LocalRoom]) -> None:
        """What nodes told while Redis was away could not be written down: ask them again."""
        for room in rooms:
            for member in room.members.values():
                if member.present and member.person.leg:
                    self._start(self._readopt(member))

    # What nodes tell

    def node_event(self, event: MediaEvent, rooms: RoomHub) -> None:
        """Something happened at a node. `rooms` are those that this replica holds."""
        match event:
            case SfuDied():
                return  # the driver moves its rooms
            case RoomClosed(room=room):
                local = rooms.get(room.room)
                if local is not None and local.loaded and local.incarnation == room.incarnation:
                    for each in local.members.values():
                        self._start(self.renew(each))
                return
        peer = event.peer
        member = self._find(peer.room.room, peer.participant)
        if member is None or member.ended or member.peer() != peer:
            return
        match event:
            case SubscriberOffered():
                self._relay_offer(member, event)
            case CandidateGathered():
                self._relay_candidate(member, event)
            case TrackStarted(track=track):
                self._start(self._announcer.announce(member, [track]))
            case TrackStopped(track=track_id):
                self._start(self._announcer.end(member, [track_id]))
            case ConnectionChanged():
                self._connection_changed(member, event)
            case PeerClosed(reason=reason):
                log.warning("peer_closed_by_node", room=member.room.room, participant=member.id, reason=reason)
                self._start(self.renew(member))

    async def renew(self, member: Member) -> None:
        """The node lost this member's media: give it the next epoch, so that its client builds anew."""
        if member.ended:
            return
        old = member.peer()
        try:
            await self._store.renew(member.room.room, member.id, member.generation)
        except ControlPlaneError as error:
            log.info("renewal_failed", room=member.room.room, participant=member.id, reason=error.code)
        else:
            await self.close(member, old)

    async def drain(self) -> None:
        """Wait for what runs in the background."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @staticmethod
    def _may_leave(member: Member, sdp: str) -> str:
        """The client's description as others may get it."""
        return relay_only.description(sdp) if member.room.state.policy.relay_only else sdp

    async def _prepare(self, member: Member) -> None:
        async with tolerating(member, "preparation_failed"), self._access.commanding(member) as node:
            await node.open_room(member.room.state.ref(), self._spec)

    async def _answer(self, node: MediaNode, member: Member, offer: PublisherOffer) -> None:
        epoch = member.person.epoch
        answer = await self._publish(node, member, offer)
        if answer is None:
            return
        event = DescriptionEvent(
            seq=0,
            version=member.room.version,
            epoch=epoch,
            pc=PeerConnectionRole.PUBLISHER,
            negotiation=answer.negotiation,
            description=SessionDescription(type="answer", sdp=answer.sdp),
        )
        member.tell(event)

    async def _publish(self, node: MediaNode, member: Member, offer: PublisherOffer) -> PublisherAnswer | None:
        """None when the member's stay ended meanwhile."""
        self._expect_own_tracks(member, offer.tracks)
        check_offer(member.person.permissions, offer.sdp, offer.tracks, member.sending)
        peer = member.peer()
        member.reached(Milestone.OFFERED)
        try:
            answer = await node.publish(peer, offer)
        except RoomNotFound:
            await node.open_room(peer.room, self._spec)
            answer = await node.publish(peer, offer)
        member.reached(Milestone.ANSWERED)
        if member.ended:  # meanwhile, and this may have come after the end of its media
            await self.close(member, peer)
            return None
        if member.peer() == peer:
            member.sending = {track.id: track for track in offer.tracks}
            member.silenced &= member.sending.keys()
            self.reconcile([member])
        return answer

    def _connection_changed(self, member: Member, event: ConnectionChanged) -> None:
        pc, connected = event.pc, event.connected
        if member.on_receiving is not None:
            arrive = event.receiving if pc is PeerConnectionRole.PUBLISHER else connected
            member.on_receiving(arrive)
            if arrive:
                member.reached(Milestone.FLOWING)
        if connected:
            member.connected.add(pc)
        elif pc in member.connected:
            log.info("connection_over", room=member.room.room, participant=member.id, pc=pc)
            self._start(self.renew(member))

    def _relay_offer(self, member: Member, event: SubscriberOffered) -> None:
        offer = DescriptionEvent(
            seq=0,
            version=member.room.version,
            epoch=event.peer.epoch,
            pc=PeerConnectionRole.SUBSCRIBER,
            negotiation=event.negotiation,
            description=SessionDescription(type="offer", sdp=event.sdp),
            tracks=event.tracks,
        )
        member.negotiations.offered(event.negotiation)
        member.reached(Milestone.OFFERED)
        member.tell(offer)

    def _relay_candidate(self, member: Member, event: CandidateGathered) -> None:
        candidate = CandidateEvent(
            seq=0,
            version=member.room.version,
            epoch=event.peer.epoch,
            pc=event.pc,
            negotiation=member.negotiations.number(event.pc),
            candidate=event.candidate,
        )
        member.connection.send_event(candidate.model_dump_json(exclude={"seq"}, by_alias=True))

    async def _reconcile(self, member: Member) -> None:
        try:
            while member.present and (desired := self._due(member)) is not None:
                peer = member.peer()
                async with self._access.commanding(member) as node:
                    try:
                        await node.subscribe(peer, desired)
                    except RoomNotFound:
                        await node.open_room(peer.room, self._spec)
                        await node.subscribe(peer, desired)
                if member.ended:
                    await self.close(member, peer)
                elif member.peer() == peer:
                    member.subscribed = desired
        except ControlPlaneError as error:
            # The next look at the room, or the node's return, tries again.
            log.info("subscription_failed", room=member.room.room, participant=member.id, reason=error.code)
        finally:
            member.reconciling = False

    def _due(self, member: Member) -> tuple[Subscription, ...] | None:
        """What the member's node is to be told that it wants; None when it knows, and without a placement."""
        if member.person.ingest is not None:  # publishes only, or got once and for all what it plays
            return None
        if member.person.topology != "sfu" or member.announced_epoch != member.person.epoch:
            return None
        desired = self._desired(member)
        return None if desired == member.subscribed else desired

    @staticmethod
    def _desired(member: Member) -> tuple[Subscription, ...]:
        """Everything of others that the member wants, in a stable order."""
        if not member.person.permissions.subscribe:
            return ()
        state = member.room.state
        others = (track for track in state.tracks.values() if track.participant != member.id)
        tracks = sorted(track.id for track in others if views.visible(state.people.get(track.participant), member.id))
        return member.wishes.among(tracks)

    async def _readopt(self, member: Member) -> None:
        async with tolerating(member, "adoption_failed"):
            if await self.adopt(member) is None and member.negotiations.begun:
                await self.renew(member)

    @staticmethod
    def _expect_epoch(member: Member, epoch: int) -> None:
        if member.ended:
            raise StaleMessage("This participant's stay is over.")
        if epoch != member.person.epoch or member.person.topology == "waiting":
            raise StaleMessage(f"Epoch {epoch} is not this participant's placement now.")

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
