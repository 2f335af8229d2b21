"""What participants do in rooms: join, resume, leave, publish, say something. One method per use case."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import structlog

from control_plane.access.tokens import ROOM_NAME, VerifiedToken, room_of
from control_plane.access.verifier import TokenVerifier
from control_plane.errors import ControlPlaneError, InvalidRequest, NotAllowed, ResumeRefused, Unavailable
from control_plane.ids import Incarnation, ParticipantId, ReplicaId, RoomId, TrackId, new_id
from control_plane.rooms import repair, views
from control_plane.rooms.ban_watch import BanWatch
from control_plane.rooms.domain import Person, RoomState, TokenRef
from control_plane.rooms.errors import TokenReused
from control_plane.rooms.hub import RoomHub
from control_plane.rooms.local import LocalRoom
from control_plane.rooms.media import MediaPlane
from control_plane.rooms.member import Member
from control_plane.rooms.owed import Owed
from control_plane.rooms.permissions import Permissions
from control_plane.rooms.placing import Placing
from control_plane.rooms.store import ResumeTokens, RoomStore, guest_identity, token_hash
from control_plane.rooms.wishes import Wishes
from control_plane.signaling.endpoint import Connection
from control_plane.signaling.messages import (
    Chat,
    ChatResult,
    CloseCode,
    ConnectionState,
    Join,
    JoinedResult,
    PlacementClosed,
    RepairStep,
    Resume,
    ResumedResult,
    RoomSnapshot,
    Subscribe,
    TrackUpdate,
)

log = structlog.get_logger()

CAPACITY = 100


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
    ) -> None:
        self._replica = replica
        self._tokens = tokens
        self._store = store
        self._hub = hub
        self._media = media
        self._placing = placing
        self._owed = owed
        self._bans = bans

    async def join(self, connection: Connection, message: Join) -> tuple[Member, JoinedResult]:
        """Enter the room that the token names. Raises `InvalidToken`, `ExpiredToken`, `Kicked`, `Banned`, `RoomFull`,
        `NoCapacity`."""
        token = await self._tokens.verify(message.token)
        grants = token.grants
        name = grants.name or message.name
        if name is None:
            raise InvalidRequest("name: the token gives none, so the join must.")
        room = room_of(grants)
        await self._bans.expect_welcome(room, token)
        person = Person(
            id=ParticipantId(new_id("p")),
            identity=grants.identity or guest_identity(),
            name=name,
            permissions=Permissions.granted(grants),
            token=_token_ref(token),
            replica=self._replica,
        )
        resume = _resume_token(room, person.id)
        connection.hold_events()
        async with self._hub.entering(room) as local:
            incarnation = local.incarnation or Incarnation(new_id("i"))
            try:
                state = await self._store.join(room, incarnation, person, resume, CAPACITY)
            except Unavailable:
                await self._give_up(room, person.id, person.generation)  # it may have been made all the same
                raise
            member = self._admit(local, connection, state, person.id, ResumeTokens(token_hash(resume)))
            try:
                self._bans.expect_still_welcome(room, token)
                await local.wait_for(state.version)
                await self._place_first(member)
            except ControlPlaneError:
                await self.leave(member)
                raise
        member.take_placement()
        self._media.prepare(member)
        log.info("joined", room=room, participant=person.id, epoch=member.person.epoch)
        return member, JoinedResult(
            participant=views.participant(member.person),
            snapshot=self._welcome(member),
            placement=views.placement(member.person),
            resume=resume,
        )

    async def resume(self, connection: Connection, message: Resume) -> tuple[Member, ResumedResult]:
        """Take a place again over a new connection. Raises `ResumeRefused`, `Kicked`, `Banned`."""
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
                await local.wait_for(state.version)
            except ControlPlaneError:
                await self.detached(member)
                raise
        connection.on_first_message = partial(self._confirm, member)
        member.take_placement()
        placement = views.placement(member.person)
        steps = await self._repair(member, message.connections)
        log.info("resumed", room=room, participant=participant, generation=member.generation)
        return member, ResumedResult(
            participant=views.participant(member.person),
            snapshot=self._welcome(member),
            placement=placement,
            resume=token,
            repair=steps,
        )

    async def leave(self, member: Member) -> None:
        """Give the place up and end the media."""
        local = member.room
        member.ended = True
        await self._give_up(local.room, member.id, member.generation)
        await self._media.close(member)
        local.remove(member)
        self._hub.let_go(local)
        log.info("left", room=local.room, participant=member.id)

    async def detached(self, member: Member) -> None:
        """The connection ended without a leave: the place is kept, the media goes on."""
        local = member.room
        if local.members.get(member.id) is member:
            local.remove(member)
            detach = partial(self._store.detach, local.room, member.id, member.generation)
            await self._owed.make(local.room, member.id, detach)
        self._hub.let_go(local)

    async def update_track(self, member: Member, message: TrackUpdate) -> None:
        track = TrackId(message.track)
        patch = message.model_dump(mode="json", include={"muted", "source"}, exclude_none=True)
        await member.room.changing(
            partial(self._store.change_tracks, member.room.room, member.id, member.generation, patch={track: patch})
        )
        if message.muted is not None:
            await self._media.mute(member, track, message.muted)

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

    @staticmethod
    def _admit(
        local: LocalRoom, connection: Connection, state: RoomState, who: ParticipantId, tokens: ResumeTokens
    ) -> Member:
        """Make the participant a member here; it is welcomed once the mirror has caught up with its arrival."""
        member = Member(room=local, connection=connection, person=state.people[who], tokens=tokens)
        local.add(member)
        local.admit(state)
        return member

    async def _give_up(self, room: RoomId, participant: ParticipantId, generation: int) -> None:
        await self._owed.make(room, participant, partial(self._store.leave, room, participant, generation, "left"))

    def _welcome(self, member: Member) -> RoomSnapshot:
        """The room as the member may see it; from here on it hears every change. No await may come in between."""
        snapshot = member.room.snapshot(member.id)
        member.welcomed = True
        member.place()
        self._media.reconcile([member])
        return snapshot

    async def _place_first(self, member: Member) -> None:
        """Give the room its leg if it has none: reserve, then commit; whoever commits first decides for all."""
        local = member.room
        if local.state.legs:
            return
        ref = local.state.ref()
        node = await self._placing.choose(ref, purpose="first")
        leg, version = await self._store.place(local.room, ref.incarnation, node)
        if leg.node != node:
            await self._placing.give_back(ref, "first", node)
        await local.wait_for(version)

    async def _repair(self, member: Member, connections: Sequence[ConnectionState]) -> tuple[RepairStep, ...]:
        """Take the media over and find what was interrupted. A node that can't be reached now is adopted later."""
        epoch = member.person.epoch
        for past in {connection.epoch for connection in connections if connection.epoch != epoch}:
            member.tell(PlacementClosed(seq=0, version=member.room.version, epoch=past))
        for connection in connections:
            if connection.epoch == epoch:
                member.negotiations.resumed(connection.pc, _completed(connection))
        if not member.person.leg:
            return ()
        try:
            status = await self._media.adopt(member)
        except ControlPlaneError as error:
            log.info("adoption_failed", room=member.room.room, participant=member.id, reason=error.code)
            return repair.plan(epoch, connections, None)[0]
        steps, lost = repair.plan(epoch, connections, status)
        if lost:
            await self._media.renew(member)
            return ()
        return steps

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
