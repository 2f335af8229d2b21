"""What participants do in rooms: join, resume, leave, publish, say something. One method per use case."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import structlog

from control_plane.access.devices import Devices
from control_plane.access.tokens import ROOM_NAME, VerifiedToken, room_of
from control_plane.access.verifier import TokenVerifier
from control_plane.errors import ControlPlaneError, Internal, InvalidRequest, NotAllowed, ResumeRefused, Unavailable
from control_plane.ids import Incarnation, ParticipantId, ReplicaId, RoomId, TrackId, new_id
from control_plane.rooms import repair, views
from control_plane.rooms.arrivals import Arrivals, Journey, Milestone
from control_plane.rooms.ban_watch import BanWatch
from control_plane.rooms.domain import Ingest, Person, RoomState, TokenRef
from control_plane.rooms.errors import Banned, Kicked, TokenReused
from control_plane.rooms.hub import RoomHub
from control_plane.rooms.local import LocalRoom
from control_plane.rooms.media import MediaPlane
from control_plane.rooms.member import Line, Member, Relays
from control_plane.rooms.moderation import moderated_person
from control_plane.rooms.node_access import node_of
from control_plane.rooms.owed import Owed
from control_plane.rooms.permissions import Permissions
from control_plane.rooms.placing import Placing, give_leg
from control_plane.rooms.policy import Policies, RoomPolicy
from control_plane.rooms.store import ResumeTokens, RoomStore, guest_identity, token_hash
from control_plane.rooms.wishes import Wishes
from control_plane.signaling.endpoint import Connection
from control_plane.signaling.messages import (
    ChangeAttributes,
    Chat,
    ChatResult,
    CloseCode,
    ConnectionState,
    Join,
    JoinedResult,
    LobbyAdmitted,
    PlacementClosed,
    RaiseHand,
    RepairStep,
    Resume,
    ResumedResult,
    RoomSnapshot,
    Subscribe,
    TrackUpdate,
)

log = structlog.get_logger()


class RoomService:
    def __init__(
        self,
        *,
        replica: ReplicaId,
        tokens: TokenVerifier,
        store: RoomStore,
        hub: RoomHub,
        media: MediaPlane,
        placing: Placing,
        owed: Owed,
        bans: BanWatch,
        devices: Devices,
        policies: Policies,
        relays: Relays,
        arrivals: Arrivals,
    ) -> None:
        self._replica = replica
        self._tokens = tokens
        self._store = store
        self._hub = hub
        self._media = media
        self._placing = placing
        self._owed = owed
        self._bans = bans
        self._devices = devices
        self._policies = policies
        self._relays = relays
        self._arrivals = arrivals

    async def join(self, connection: Line, message: Join, ingest: Ingest | None = None) -> tuple[Member, JoinedResult]:
        """Enter the room that the token names, or its lobby. Raises `InvalidToken`, `ExpiredToken`, `Kicked`, `Banned`,
        `RoomFull`, `RoomLocked`, `LobbyFull`, `NoCapacity`. `ingest` is of somebody by HTTP, who never resumes,
        nor waits in a lobby: `NoWaiting`."""
        journey = self._arrivals.joining(by_http=ingest is not None)
        try:
            return await self._join(connection, message, ingest, journey)
        except Exception as error:
            journey.ended(_code(error))
            raise

    async def _join(
        self, connection: Line, message: Join, ingest: Ingest | None, journey: Journey
    ) -> tuple[Member, JoinedResult]:
        token = await self._tokens.verify(message.token)
        grants = token.grants
        name = grants.name or message.name
        if name is None:
            raise InvalidRequest("name: the token gives none, so the join must.")
        room = room_of(grants)
        device = self._devices.hash(message.device) if message.device else None
        await self._bans.expect_welcome(room, token, device)
        journey.reached(Milestone.VERIFIED)
        person = Person(
            id=ParticipantId(new_id("p")),
            identity=grants.identity or guest_identity(),
            name=name,
            permissions=Permissions.granted(grants),
            attributes=grants.attributes,
            device=device,
            token=_token_ref(token),
            replica=self._replica,
            ingest=ingest,
            region=message.region,
        )
        resume = _resume_token(room, person.id)
        policy = await self._policies.get(room)
        connection.hold_events()
        async with self._hub.entering(room) as local:
            incarnation = local.incarnation or Incarnation(new_id("i"))
            try:
                state = await self._store.join(room, incarnation, person, resume, policy)
            except Unavailable:
                await self._give_up(room, person.id, person.generation)  # it may have been made all the same
                raise
            member = self._admit(local, connection, state, person.id, ResumeTokens(token_hash(resume)))
            try:
                local.admit(state)
                await self._settle_policy(state, policy)
                self._bans.expect_still_welcome(room, token, device)
                await local.wait_for(state.version)
                journey.reached(Milestone.ENTERED)
                if not member.person.lobby:
                    await self._reserve(member)
                    journey.reached(Milestone.PLACED, node_of(member))
            except ControlPlaneError:
                await self.leave(member)
                raise
        member.take_placement()
        self._media.prepare(member)
        log.info("joined", room=room, participant=person.id, epoch=member.person.epoch, lobby=member.person.lobby)
        result = JoinedResult(
            participant=views.participant(member.person),
            snapshot=self._welcome(member),
            placement=member.placement(),
            lobby=member.person.lobby,
            resume=resume,
        )
        if member.person.lobby:
            journey.ended("lobby")
        else:
            journey.reached(Milestone.JOINED)
            member.journey = journey
        return member, result

    async def resume(self, connection: Connection, message: Resume) -> tuple[Member, ResumedResult]:
        """Take a place again over a new connection. Raises `ResumeRefused`, `Kicked`, `Banned`."""
        try:
            resumed = await self._resume(connection, message)
        except Exception as error:
            self._arrivals.resumed(_code(error))
            raise
        self._arrivals.resumed("ok")
        return resumed

    async def _resume(self, connection: Connection, message: Resume) -> tuple[Member, ResumedResult]:
        room, participant = _parse_resume_token(message.token)
        await self._bans.expect_not_removed(room, participant)
        token = _resume_token(room, participant)
        connection.hold_events()
        async with self._hub.entering(room) as local:
            try:
                state = await self._store.resume(room, participant, message.token, token, self._replica)
            except TokenReused as error:
                connection.close(CloseCode.NOT_JOINED, "resume token used twice")
                raise ResumeRefused("This resume token was used before: join again.") from error
            tokens = ResumeTokens(token_hash(token), previous=token_hash(message.token))
            member = self._admit(local, connection, state, participant, tokens)
            try:
                local.admit(state)
                await local.wait_for(state.version)
                self._bans.expect_may_stay(room, member.person)
            except (Kicked, Banned):
                await self.leave(member)
                raise
            except ControlPlaneError:
                await self.detached(member)
                raise
        connection.on_first_message = partial(self._confirm, member)
        member.take_placement()
        placement = member.placement()
        steps = () if member.person.lobby else await self._repair(member, message.connections)
        log.info("resumed", room=room, participant=participant, generation=member.generation)
        return member, ResumedResult(
            participant=views.participant(member.person),
            snapshot=self._welcome(member),
            placement=placement,
            lobby=member.person.lobby,
            resume=token,
            repair=steps,
        )

    def come_in(self, member: Member) -> None:
        """The member waited in the lobby and was let in. Its room gets a leg from its driver if it has none."""
        member.take_placement()
        self._media.prepare(member)
        placement = member.placement()
        event = LobbyAdmitted(
            seq=0,
            version=member.room.version,
            participant=views.participant(member.person),
            snapshot=member.room.snapshot(member.id),
            placement=placement,
        )
        member.tell(event)
        self._welcome(member)
        log.info("came_in", room=member.room.room, participant=member.id, epoch=member.person.epoch)

    async def inherit(self, connection: Line, room: RoomId, person: Person) -> Member:
        """Speak for a publisher by HTTP whose replica is gone; its media go on. Raises `Superseded`, `NotFound`,
        `MediaUnavailable`, `Unavailable`."""
        async with self._hub.entering(room) as local:
            state = await self._store.inherit(room, person.id, person.generation, self._replica)
            member = self._admit(local, connection, state, person.id, ResumeTokens(""))
            try:
                local.admit(state)
                await local.wait_for(state.version)
            except ControlPlaneError:
                await self.detached(member)
                raise
        member.take_placement()
        self._welcome(member)
        log.info("inherited", room=room, participant=member.id, generation=member.generation)
        return member

    async def leave(self, member: Member) -> None:
        """Give the place up and end the media."""
        local = member.room
        member.ended = True
        member.went("left")
        await self._give_up(local.room, member.id, member.generation)
        await self._media.close(member)
        local.remove(member)
        self._hub.let_go(local)
        log.info("left", room=local.room, participant=member.id)

    async def detached(self, member: Member) -> None:
        """The connection ended without a leave: the place is kept, the media goes on."""
        local = member.room
        member.went("detached")
        if local.members.get(member.id) is member:
            local.remove(member)
            detach = partial(self._store.detach, local.room, member.id, member.generation)
            await self._owed.make(local.room, member.id, detach)
        self._hub.let_go(local)

    async def update_track(self, member: Member, message: TrackUpdate) -> None:
        """Change what is said of a track; the node follows a mute as it follows every change of the room. Raises
        `NotAllowed`, `NotFound`."""
        track = TrackId(message.track)
        patch = message.model_dump(mode="json", include={"muted", "source"}, exclude_none=True)
        version = await member.room.changing(
            partial(self._store.change_tracks, member.room.room, member.id, member.generation, patch={track: patch})
        )
        await member.room.wait_for(version)  # who is answered has heard of it: a later mute is somebody else's doing

    async def raise_hand(self, member: Member, message: RaiseHand) -> None:
        """One's own hand, or as a moderator the hand of somebody else, who is lowered it. Raises `NotAllowed`,
        `NotFound`."""
        whose = ParticipantId(message.participant or member.id)
        if whose != member.id:
            moderated_person(member, whose)
        change = partial(self._store.raise_hand, member.room.room, member.person, whose, message.raised)
        await member.room.changing(change)

    async def change_attributes(self, member: Member, message: ChangeAttributes) -> None:
        """Raises `NotAllowed`, `InvalidRequest`."""
        change = partial(self._store.set_attributes, member.room.room, member.person, member.id, message.attributes)
        await member.room.changing(change)

    async def subscribe(self, member: Member, message: Subscribe) -> None:
        if not member.person.permissions.subscribe:
            raise NotAllowed("You may not receive anybody's media here.")
        member.wishes = Wishes.of(message)
        self._media.reconcile([member])

    async def say(self, member: Member, message: Chat) -> ChatResult:
        nonce = message.nonce or new_id("m")
        record = await member.room.changing(
            partial(self._store.say, member.room.room, member.id, member.generation, nonce, message.text)
        )
        return ChatResult(message=views.chat_message(record))

    def _admit(
        self, local: LocalRoom, connection: Line, state: RoomState, who: ParticipantId, tokens: ResumeTokens
    ) -> Member:
        """Make the participant a member here; it is welcomed once the mirror has caught up with its arrival."""
        member = Member(room=local, connection=connection, person=state.people[who], tokens=tokens, relays=self._relays)
        local.add(member)
        return member

    async def _settle_policy(self, made: RoomState, policy: RoomPolicy) -> None:
        """Who makes a room asks again how it is to be run: the word of a change found no room on the way."""
        if made.version == 1:
            latest = await self._policies.get(made.room)
            if latest != policy:
                await self._store.set_policy(made.room, latest)

    async def _give_up(self, room: RoomId, participant: ParticipantId, generation: int) -> None:
        await self._owed.make(room, participant, partial(self._store.leave, room, participant, generation, "left"))

    def _welcome(self, member: Member) -> RoomSnapshot:
        """The room as the member may see it; from here on it hears every change. No await may come in between. Who is
        in the lobby hears nothing until it is let in."""
        if member.person.lobby:
            return views.from_the_lobby(member.room.state)
        snapshot = member.room.snapshot(member.id)
        member.welcomed = True
        member.place()
        self._media.reconcile([member])
        return snapshot

    async def _reserve(self, member: Member) -> None:
        """Make sure of a media node for what the newcomer will carry. Raises `NoCapacity`, `Unavailable`."""
        local = member.room
        if local.state.home is not None:
            await self._placing.join(local.state, member.person)
        else:
            await give_leg(local, self._store, self._placing, member.person)

    async def _repair(self, member: Member, connections: Sequence[ConnectionState]) -> tuple[RepairStep, ...]:
        """Take the media over and find what was interrupted. A node that can't be reached now is adopted later."""
        for past in {connection.epoch for connection in connections if member.placed_in(connection.epoch) is None}:
            member.tell(PlacementClosed(seq=0, version=member.room.version, epoch=past))
        for connection in connections:
            if (placed := member.placed_in(connection.epoch)) is not None:
                placed.negotiations.resumed(connection.pc, _completed(connection))
        if member.placed is None:
            return ()
        epoch, earlier = member.placed.epoch, [placed.epoch for placed in member.placements[1:]]
        left = tuple(step for each in earlier for step in repair.plan(each, connections, None)[0])
        try:
            status = await self._media.adopt(member)
        except ControlPlaneError as error:
            log.info("adoption_failed", room=member.room.room, participant=member.id, reason=error.code)
            return repair.plan(epoch, connections, None)[0] + left
        steps, lost = repair.plan(epoch, connections, status)
        if lost:
            await self._media.renew(member)
            return left
        return steps + left

    async def _confirm(self, member: Member) -> None:
        """The client's first message shows that it holds its new resume token."""
        try:
            await self._store.confirm(member.room.room, member.id, member.generation)
        except ControlPlaneError as error:
            log.info("confirmation_failed", room=member.room.room, participant=member.id, reason=error.code)
        else:
            member.tokens = replace(member.tokens, previous="", spent=member.tokens.previous)


def _completed(connection: ConnectionState) -> int:
    """The last negotiation of a client's connection that has both its descriptions."""
    return connection.negotiation if connection.signaling_state == "stable" else max(connection.negotiation - 1, 0)


def _code(error: Exception) -> str:
    """What the client is told of it."""
    return error.code if isinstance(error, ControlPlaneError) else Internal.code


def _token_ref(token: VerifiedToken) -> TokenRef:
    guest = token.grants.identity is None
    return TokenRef(id=token.id, guest=guest, issued_at=token.issued_at, expires_at=token.expires_at)


def _resume_token(room: RoomId, participant: ParticipantId) -> str:
    """256 random bits behind the place that they open."""
    return f"{room}:{participant}:{secrets.token_urlsafe(32)}"


def _parse_resume_token(token: str) -> tuple[RoomId, ParticipantId]:
    match token.split(":"):
        case [room, participant, _] if ROOM_NAME.fullmatch(room):
            return RoomId(room), ParticipantId(participant)
    raise ResumeRefused("This is not a resume token of this service: join again.")
