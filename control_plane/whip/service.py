"""What publishers and players by HTTP do: begin, trickle candidates, restart ICE, stop. One method per use case.

Each is a participant like any other. Which one belongs to a resource is part of the participant's record in
Redis, so that every replica finds it; the replica that answered the offer speaks for it in the room and keeps the offer
in memory.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from control_plane.access.tokens import VerifiedToken, room_of
from control_plane.errors import ControlPlaneError, InvalidDescription, NotAllowed, NotFound
from control_plane.http.errors import PreconditionFailed
from control_plane.ids import ReplicaId, RoomId, TrackId, new_id
from control_plane.rooms import relay_only
from control_plane.rooms.domain import Ingest, Person, RoomState, peer_ref
from control_plane.rooms.errors import RoomGone, RoomMissing, Superseded
from control_plane.rooms.media import MediaPlane
from control_plane.rooms.node_access import NodeAccess
from control_plane.rooms.permissions import Permissions
from control_plane.rooms.publishing import check_offer
from control_plane.rooms.relay_only import NotRelayed
from control_plane.rooms.service import RoomService
from control_plane.rooms.store import RoomStore
from control_plane.signaling.messages import IceServer, Join
from control_plane.whip.choice import Choice, chosen
from control_plane.whip.errors import HeldElsewhere, OfferForgotten
from control_plane.whip.sdp import Fragment, Offer, answered_fragment, expect_all_taken, restarted
from control_plane.whip.session import Session, Why
from media_adapters.models import (
    IceCandidate,
    PeerConnectionRole,
    PlayerOffer,
    PublishedTrack,
    PublisherOffer,
    TrackKind,
    TrackSource,
)

log = structlog.get_logger()

ANY_SESSION = "*"
_GONE = "This is over: post again."
_CAMERA = {TrackKind.AUDIO: TrackSource.MICROPHONE, TrackKind.VIDEO: TrackSource.CAMERA}
_SCREEN = {TrackKind.AUDIO: TrackSource.SCREEN_AUDIO, TrackKind.VIDEO: TrackSource.SCREEN}


@dataclass(frozen=True, slots=True)
class Begun:
    """`resource` is the secret end of the URL, `etag` names the ICE session."""

    room: RoomId
    resource: str
    etag: str
    answer: str
    ice_servers: tuple[IceServer, ...]


@dataclass(frozen=True, slots=True)
class Resource:
    """Whose a URL is, as Redis knows it. `session` is there if this replica speaks for it."""

    state: RoomState
    person: Person
    ingest: Ingest
    session: Session | None


class WhipService:
    def __init__(
        self,
        rooms: RoomService,
        media: MediaPlane,
        store: RoomStore,
        access: NodeAccess,
    ) -> None:
        self._rooms = rooms
        self._media = media
        self._store = store
        self._access = access
        self._sessions: dict[str, Session] = {}
        self._begun = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def rooms(self) -> set[RoomId]:
        """Those with somebody whom this replica speaks for."""
        return {session.member.room.room for session in self._sessions.values()}

    async def begun_or(self, seconds: float) -> None:
        """Return once somebody publishes for whom this replica speaks, or after this time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._begun.wait()
        self._begun.clear()

    async def publish(
        self, shown: str, token: VerifiedToken, offer: Offer, *, screen: bool, region: str | None = None
    ) -> Begun:
        """Join the token's room, from `region`, with what is offered. Raises what a join and an offer over signaling
        raise, and `NoWaiting`, `Unprocessable`."""
        tracks = _tracks(offer, _SCREEN if screen else _CAMERA)
        check_offer(Permissions.granted(token.grants), offer.sdp, tracks)  # before anybody sees somebody come and go
        first = PublisherOffer(negotiation=1, sdp=offer.sdp, tracks=tracks)
        return await self._begin(shown, token, offer, first, region=region)

    async def play(
        self, shown: str, token: VerifiedToken, offer: Offer, choice: Choice, region: str | None = None
    ) -> Begun:
        """Join the token's room to receive what is chosen, as far as the offer has room for it. Raises what a join
        raises, `NoWaiting`, `NotAllowed`, `NotFound`, `InvalidRequest`, `NotSupported`."""
        if not Permissions.granted(token.grants).subscribe:
            raise NotAllowed("This token may not receive anybody's media here.")
        try:
            state = await self._store.snapshot(room_of(token.grants))
        except (RoomGone, RoomMissing) as error:
            raise NotFound("Nobody is in this room.") from error
        watches = chosen(state, choice, [track.kind for track in offer.tracks])
        return await self._begin(shown, token, offer, PlayerOffer(negotiation=1, sdp=offer.sdp), watches, region=region)

    async def _begin(
        self,
        shown: str,
        token: VerifiedToken,
        offer: Offer,
        first: PublisherOffer | PlayerOffer,
        watches: tuple[TrackId, ...] = (),
        *,
        region: str | None,
    ) -> Begun:
        secret, grants = secrets.token_urlsafe(32), token.grants
        ingest = Ingest(resource=_hash(secret), etag=etag_of(secret, offer.ufrag), watches=watches)
        session = Session(ingest.resource, self._over)
        unnamed = "Player" if watches else "Encoder"
        name = (grants.name or grants.identity or unnamed)[:64]
        join = Join(type="join", token=shown, name=name, region=region)
        member, _ = await self._rooms.join(session, join, ingest)
        session.begin(member)
        self._keep(session)
        try:
            session.offer = first
            answer = await self._answer(session, first)
            servers = member.fresh_ice().servers
        except ControlPlaneError:
            await self._stop(session)
            raise
        return Begun(member.room.room, secret, ingest.etag, answer, servers)

    async def _answer(self, session: Session, offer: PublisherOffer | PlayerOffer) -> str:
        if isinstance(offer, PlayerOffer):
            return await self._media.play(session.member, offer)
        answer = await self._media.publish(session.member, offer)
        expect_all_taken(answer)
        return answer

    async def find(self, token: VerifiedToken, room: str, secret: str) -> Resource:
        """What the bearer may act on. Raises `NotAllowed` for somebody else's, `NotFound` for what is over."""
        if room_of(token.grants) != room:
            raise NotAllowed("This token is for another room.")
        try:
            state = await self._store.snapshot(RoomId(room))
        except (RoomGone, RoomMissing) as error:
            raise NotFound(_GONE) from error
        resource = _hash(secret)
        for person in state.people.values():
            if person.ingest is not None and person.ingest.resource == resource:
                if not _belongs(person, token):
                    raise NotAllowed("This is somebody else's.")
                return Resource(state, person, person.ingest, self._sessions.get(resource))
        raise NotFound(_GONE)

    async def patch(
        self, resource: Resource, secret: str, condition: str, fragment: Fragment
    ) -> tuple[str, str] | None:
        """Take candidates, or restart ICE: then its new ETag and fragment are returned (RFC 9725 §4.3).

        `condition` is an ETag or `*`. Raises `PreconditionFailed`, `InvalidDescription`, `HeldElsewhere`,
        `OfferForgotten`, `MediaUnavailable`, `NotFound`.
        """
        if condition not in {ANY_SESSION, resource.ingest.etag}:
            raise PreconditionFailed("ICE was restarted since: this is about an earlier session.")
        renewed = fragment.ufrag is not None and etag_of(secret, fragment.ufrag) != resource.ingest.etag
        if condition == ANY_SESSION or renewed:
            return await self._restart(resource, secret, fragment)
        await self._trickle(resource.state, resource.person, fragment.candidates)
        return None

    async def end(self, resource: Resource) -> None:
        """The publisher or player stops. Raises `Unavailable`, `NotFound` when it was over already."""
        if resource.session is not None:
            await self._stop(resource.session)
            return
        person = resource.person
        await self._store.leave(resource.state.room, person.id, person.generation, "left")
        try:
            async with self._access.commanding_for(resource.state, person) as node:
                await node.close_peer(peer_ref(resource.state.ref(), person))
        except ControlPlaneError as error:  # the room's driver has the node close who is not there any more
            log.info("peer_not_closed", room=resource.state.room, participant=person.id, reason=error.code)

    async def inherit(self, room: RoomId, person: Person) -> bool:
        """Speak for somebody whose replica is gone, if its media still flow or may flow again. False when that is
        not possible now."""
        if person.ingest is None:
            return False
        session = Session(person.ingest.resource, self._over)
        try:
            member = await self._rooms.inherit(session, room, person)
        except ControlPlaneError as error:
            log.info("not_inherited", room=room, participant=person.id, reason=error.code)
            return isinstance(error, Superseded)
        if member.placed is not None:
            member.placed.negotiations.resumed(PeerConnectionRole.PUBLISHER, 1)
        session.begin(member, inherited=True)
        self._keep(session)
        try:
            status = await self._media.adopt(member)
        except ControlPlaneError as error:  # it is adopted once there is a way to the node
            log.info("adoption_failed", room=room, participant=member.id, reason=error.code)
            return True
        if status is None:
            await self._stop(session)
        else:
            session.receiving(status.publisher.receiving or status.subscriber.connected)
        return True

    async def inherit_room(self, room: RoomId, dead: ReplicaId) -> None:
        """Speak for everybody in a room for whom that replica spoke. Raises `Unavailable`."""
        try:
            state = await self._store.snapshot(room)
        except (RoomGone, RoomMissing):
            return
        for person in state.people.values():
            if person.ingest is None or person.replica not in {dead, ""}:
                continue
            with suppress(Superseded, NotFound):  # somebody else is faster, or it is over
                await self._store.detach(room, person.id, person.generation)
                await self.inherit(room, person)

    async def drain(self) -> None:
        """Wait for what runs in the background."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _keep(self, session: Session) -> None:
        self._sessions[session.resource] = session
        self._begun.set()

    async def _restart(self, resource: Resource, secret: str, fragment: Fragment) -> tuple[str, str]:
        session, person = resource.session, resource.person
        if fragment.ufrag is None or fragment.password is None:
            raise InvalidDescription("A restart of ICE needs an ice-ufrag and an ice-pwd.")
        if session is None:
            raise HeldElsewhere("Ask again: another server keeps what a restart of ICE needs.", retry_after_ms=1000)
        async with session.restarting:
            if session.offer is None:
                raise OfferForgotten("What a restart of ICE needs is gone: post again.")
            sdp = restarted(session.offer.sdp, fragment)
            offer = session.offer.model_copy(update={"sdp": sdp, "negotiation": session.offer.negotiation + 1})
            answer = await self._answer(session, offer)
            session.offer = offer
            etag = etag_of(secret, fragment.ufrag)
            ingest = resource.ingest.model_copy(update={"etag": etag})
            await self._store.change_ingest(resource.state.room, person.id, session.member.generation, ingest)
        await self._trickle(resource.state, session.member.person, fragment.candidates)
        return etag, answered_fragment(answer)

    async def _trickle(self, state: RoomState, person: Person, candidates: Iterable[IceCandidate | None]) -> None:
        """What can't be used is left out in silence (RFC 9725 §4.3.2)."""
        peer = peer_ref(state.ref(), person)
        plays = person.ingest is not None and person.ingest.watches
        pc = PeerConnectionRole.SUBSCRIBER if plays else PeerConnectionRole.PUBLISHER
        for candidate in candidates:
            try:
                if state.policy.relay_only:
                    candidate = relay_only.candidate(candidate)  # noqa: PLW2901 -- the same, without its base
                async with self._access.commanding_for(state, person) as node:
                    await node.add_candidate(peer, pc, candidate)
            except (InvalidDescription, NotRelayed):
                log.debug("candidate_unusable", room=state.room, participant=person.id)

    def _over(self, session: Session, why: Why) -> None:
        self._sessions.pop(session.resource, None)
        member = session.member
        log.info("http_session_over", room=member.room.room, participant=member.id, reason=why)
        task = asyncio.get_running_loop().create_task(self._finish(session, why))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, session: Session, why: Why) -> None:
        try:
            if why == "ended":
                await self._rooms.detached(session.member)
            else:
                await self._rooms.leave(session.member)
        except ControlPlaneError as error:
            log.info("leave_failed", participant=session.member.id, reason=error.code)

    async def _stop(self, session: Session) -> None:
        """At their own wish, or because nothing came of it."""
        self._sessions.pop(session.resource, None)
        session.forget()
        await self._rooms.leave(session.member)


def etag_of(secret: str, ufrag: str) -> str:
    """Names an ICE session: a strong entity tag that any replica can derive from the fragment that it gets."""
    return f'"{hashlib.sha256(f"{secret} {ufrag}".encode()).hexdigest()[:16]}"'


def _hash(secret: str) -> str:
    """The secret is 256 random bits, so that a plain hash hides it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _belongs(person: Person, token: VerifiedToken) -> bool:
    """A newer token of the same identity is as good; a guest's identity is known by its token only."""
    if person.token.guest:
        return token.grants.identity is None and token.id == person.token.id
    return token.grants.identity == person.identity


def _tracks(offer: Offer, sources: dict[TrackKind, TrackSource]) -> tuple[PublishedTrack, ...]:
    return tuple(
        PublishedTrack(
            id=TrackId(new_id("t")),
            mid=track.mid,
            kind=track.kind,
            source=sources[track.kind],
            simulcast=track.simulcast,
        )
        for track in offer.tracks
    )
