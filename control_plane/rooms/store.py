"""A room's live state in Redis: one Lua script per change, each one round trip, all of a room's keys in one slot."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Never

from control_plane.errors import Conflict, NotAllowed, NotFound, ResumeRefused, RoomFull
from control_plane.ids import Identity, Incarnation, LegId, NodeId, ParticipantId, ReplicaId, RoomId, TrackId, new_id
from control_plane.rooms.domain import ChatRecord, Ingest, Leg, Move, Person, RoomState, TrackRecord
from control_plane.rooms.errors import (
    ChangedMeanwhile,
    LobbyFull,
    NoWaiting,
    PersonMissing,
    RoomGone,
    RoomLocked,
    RoomMissing,
    Superseded,
    TokenReused,
)
from control_plane.rooms.mirror import MAX_CHAT
from control_plane.rooms.permissions import Permissions
from control_plane.rooms.placement.steps import Step
from control_plane.rooms.policy import RoomPolicy
from control_plane.state import Redis, Script, keys
from media_adapters.models import TrackSource

_PACKAGE = "control_plane.rooms"
MAX_ATTRIBUTES = 16
_PARTS = ("meta", "people", "tracks", "legs", "chat", "chat_text", "replicas", "resume", "gone")


def _script(name: str) -> Script:
    return Script.load(_PACKAGE, f"lua/{name}.lua", prelude="lua/common.lua")


@dataclass(frozen=True, slots=True)
class Tended:
    """What a look at a room every second tells. `driver` may be oneself."""

    incarnation: Incarnation
    version: int
    driver: ReplicaId
    fence: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class ResumeTokens:
    """Hashes of the tokens that take a participant's place again."""

    current: str
    previous: str = ""
    spent: str = ""


def token_hash(token: str) -> str:
    """Tokens are 256 random bits, so that a plain hash hides them."""
    return hashlib.sha256(token.encode()).hexdigest()


class RoomStore:
    """Every method may raise `Unavailable` (nobody knows then whether a change was made).

    Methods that act for one participant take its `generation` and raise `Superseded` when a later connection took
    over, `PersonMissing` when the participant is not there.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = {
            name: _script(name)
            for name in (
                "join", "place", "placed", "move", "ready", "renew", "leave", "detach", "attach", "resume", "confirm",
                "tracks", "chat", "permissions", "remove", "tend", "release", "snapshot", "close", "restore",
                "policy", "lobby", "mute", "hand", "attributes", "inherit", "ingest",
            )
        }  # fmt: skip

    async def join(
        self, room: RoomId, incarnation: Incarnation, person: Person, resume: str, policy: RoomPolicy
    ) -> RoomState:
        """Add the person, to the lobby if the room's policy says so; the room is made with `policy` if it is not there,
        as `incarnation`, or as another if that was closed. Raises `RoomFull`, `RoomLocked`, `LobbyFull`."""
        record = person.model_dump_json(exclude_none=True)
        arguments = (record, token_hash(resume), policy.model_dump_json(), new_id("i"))
        reply = await self._run("join", room, incarnation, *arguments)
        _expect_room_for_one(reply)
        return RoomState.from_redis(room, reply[1])

    async def place(self, room: RoomId, incarnation: Incarnation, node: NodeId) -> tuple[Leg, int]:
        """Commit `node` as the room's first leg, or learn the leg that another replica committed before.

        Also returns a version by which the leg and the placements on it are in the room.
        """
        leg = Leg(id=LegId(new_id("l")), node=node)
        status, *rest = await self._run("place", room, leg.model_dump_json(), incarnation)
        if status != b"ok":
            raise RoomMissing(room)
        return Leg.model_validate_json(rest[0]), int(rest[1])

    async def commit(self, room: RoomId, step: Step, fence: int) -> int:
        """The driver's next step of where media live; returns a version by which it is in the room. Raises
        `Superseded`, `ChangedMeanwhile` when another move is wished by now."""
        reply = await self._run("placed", room, fence, json.dumps(step.as_json()))
        self._expect_ok(reply)
        return int(reply[1])

    async def wish(self, state: RoomState, move: Move | None) -> None:
        """Have the room's driver move it; None: it is to stay where it is. Raises `RoomGone`, `RoomMissing`."""
        wished = "" if move is None else move.model_dump_json(exclude_none=True)
        status, *_ = await self._run("move", state.room, state.incarnation, wished)
        self._expect_room(state.room, status)

    async def ready(self, room: RoomId, participant: ParticipantId, generation: int, epoch: int) -> None:
        """All that the participant wants flows in this epoch; no-op for one that is over."""
        self._expect_ok(await self._run("ready", room, participant, generation, epoch))

    async def renew(self, room: RoomId, participant: ParticipantId, generation: int) -> None:
        """Give the participant the next epoch on the same leg."""
        self._expect_ok(await self._run("renew", room, participant, generation))

    async def leave(self, room: RoomId, participant: ParticipantId, generation: int, reason: str) -> None:
        self._expect_ok(await self._run("leave", room, participant, generation, reason))

    async def detach(self, room: RoomId, participant: ParticipantId, generation: int) -> None:
        """The participant's connection is gone; its place is kept."""
        self._expect_ok(await self._run("detach", room, participant, generation))

    async def attach(self, room: RoomId, participant: ParticipantId, generation: int, replica: ReplicaId) -> None:
        """The participant's connection, which was taken for dead, is held by `replica`."""
        self._expect_ok(await self._run("attach", room, participant, generation, replica))

    async def resume(
        self, room: RoomId, participant: ParticipantId, shown: str, successor: str, replica: ReplicaId
    ) -> RoomState:
        """Take a place again with the token `shown`. Raises `ResumeRefused`, `TokenReused`."""
        status, *rest = await self._run("resume", room, participant, token_hash(shown), token_hash(successor), replica)
        if status == b"reused":
            raise TokenReused(participant)
        if status != b"ok":
            raise ResumeRefused("This place in the room is gone: join again.")
        return RoomState.from_redis(room, rest[0])

    async def inherit(self, room: RoomId, participant: ParticipantId, generation: int, replica: ReplicaId) -> RoomState:
        """Speak for a publisher by HTTP whose replica is gone. Raises `Superseded` when somebody else does already."""
        status, *rest = await self._run("inherit", room, participant, generation, replica)
        self._expect_ok([status])
        return RoomState.from_redis(room, rest[0])

    async def change_ingest(self, room: RoomId, participant: ParticipantId, generation: int, ingest: Ingest) -> None:
        """A publisher by HTTP has another ICE session."""
        self._expect_ok(await self._run("ingest", room, participant, generation, ingest.model_dump_json()))

    async def confirm(self, room: RoomId, participant: ParticipantId, generation: int) -> None:
        """The client holds its new resume token; the one before is spent from now on."""
        self._expect_ok(await self._run("confirm", room, participant, generation))

    async def change_tracks(
        self,
        room: RoomId,
        participant: ParticipantId,
        generation: int,
        *,
        announce: Sequence[TrackRecord] = (),
        patch: Mapping[TrackId, Mapping[str, Any]] | None = None,
        ended: Sequence[TrackId] = (),
    ) -> int:
        """Announce, change and end tracks of one participant in one step; what is so already changes nothing.

        Returns the version that this made, or 0.

        A track that the participant may not publish is not announced. Raises `Conflict` when a track id belongs to
        somebody else, `NotAllowed` for a change of a track to such a source.
        """
        announced = [record.model_dump(mode="json") for record in announce]
        arguments = (json.dumps(announced), json.dumps(patch or {}), json.dumps(list(ended)))
        reply = await self._run("tracks", room, participant, generation, *arguments)
        self._expect_ok(reply)
        return int(reply[1])

    async def change_permissions(
        self,
        room: RoomId,
        by: Person | None,
        participant: ParticipantId,
        changes: Mapping[str, Any],
        known: Permissions | None = None,
    ) -> None:
        """Change these fields of a participant's permissions; tracks that may not be published any more end.

        `by` is the moderator, None the control plane itself. `known` is what they have to be before. Raises
        `NotAllowed`, `ChangedMeanwhile`.
        """
        before = known.model_dump_json() if known is not None else ""
        arguments = (participant, json.dumps(dict(changes)), before)
        self._expect_ok(await self._run("permissions", room, *_actor(by), *arguments))

    async def admit(self, room: RoomId, by: Person | None, participant: ParticipantId) -> None:
        """Let somebody in who waits in the lobby. `by` as below. Raises `NotAllowed`, `NotFound`, `RoomFull`."""
        reply = await self._run("lobby", room, *_actor(by), participant, "admit")
        _expect_room_for_one(reply)
        self._expect_ok(reply)

    async def deny(self, room: RoomId, by: Person | None, participant: ParticipantId) -> None:
        """Send somebody away who waits in the lobby. Raises `NotAllowed`, `NotFound`."""
        self._expect_ok(await self._run("lobby", room, *_actor(by), participant, "deny"))

    async def set_policy(self, room: RoomId, policy: RoomPolicy) -> None:
        """Replace a live room's policy. Without a lobby those who wait come in. Raises `RoomGone`, `RoomMissing`."""
        await self._change_policy(room, None, policy.model_dump(mode="json"))

    async def change_policy(self, room: RoomId, changes: Mapping[str, Any]) -> None:
        """Change these fields of a live room's policy, as `set_policy` does."""
        await self._change_policy(room, None, changes)

    async def lock(self, room: RoomId, by: Person | None, locked: bool) -> None:
        """Lock a live room, or unlock it. Raises `NotAllowed`, `RoomGone`, `RoomMissing`."""
        await self._change_policy(room, by, {"locked": locked})

    async def _change_policy(self, room: RoomId, by: Person | None, changes: Mapping[str, Any]) -> None:
        reply = await self._run("policy", room, *_actor(by), json.dumps(changes))
        self._expect_room(room, reply[0])
        self._expect_ok(reply)

    async def mute(
        self,
        room: RoomId,
        by: Person | None,
        participant: ParticipantId,
        *,
        track: TrackId | None = None,
        source: TrackSource | None = None,
    ) -> None:
        """Mute a track, or all tracks of a source; only their publisher unmutes them. Raises `NotAllowed`,
        `NotFound`."""
        selected = (track or "", source or "")
        self._expect_ok(await self._run("mute", room, *_actor(by), participant, *selected, "mute"))

    async def stop(self, room: RoomId, by: Person | None, participant: ParticipantId, track: TrackId) -> None:
        """End a track; its publisher may begin another. Raises `NotAllowed`, `NotFound`."""
        self._expect_ok(await self._run("mute", room, *_actor(by), participant, track, "", "stop"))

    async def raise_hand(self, room: RoomId, by: Person | None, participant: ParticipantId, raised: bool) -> None:
        """Raise one's own hand, or lower one's own or, as a moderator, anybody's. Raises `NotAllowed`, `NotFound`."""
        self._expect_ok(await self._run("hand", room, *_actor(by), participant, int(raised)))

    async def set_attributes(
        self,
        room: RoomId,
        by: Person | None,
        participant: ParticipantId,
        changes: Mapping[str, str | None],
        known: Mapping[str, str] | None = None,
    ) -> None:
        """Change these attributes; None removes one. `known` is what they have to be before. Raises `NotAllowed`,
        `NotFound`, `ChangedMeanwhile`, `Conflict` when there would be more than 16."""
        before = json.dumps(dict(known)) if known is not None else ""
        arguments = (participant, json.dumps(dict(changes)), MAX_ATTRIBUTES, before)
        reply = await self._run("attributes", room, *_actor(by), *arguments)
        if reply[0] == b"too_many":
            raise Conflict(f"A participant has at most {MAX_ATTRIBUTES} attributes.")
        self._expect_ok(reply)

    async def remove(self, room: RoomId, participant: ParticipantId) -> None:
        """End somebody's stay, whatever connection they have. Raises `NotFound` when it has ended already."""
        self._expect_ok(await self._run("remove", room, participant))

    async def say(
        self, room: RoomId, participant: ParticipantId, generation: int, message_id: str, text: str
    ) -> ChatRecord:
        """Say something once per `message_id`."""
        reply = await self._run("chat", room, participant, generation, message_id, text, MAX_CHAT)
        self._expect_ok(reply)
        return ChatRecord.model_validate_json(reply[1])

    async def announce(self, room: RoomId, name: str, message_id: str, text: str) -> ChatRecord:
        """Say something once per `message_id` for the service itself, under this name. Raises `RoomGone`,
        `RoomMissing`, `Conflict` when somebody has said something else under this id."""
        reply = await self._run("chat", room, "", 0, message_id, text, MAX_CHAT, name)
        self._expect_room(room, reply[0])
        self._expect_ok(reply)
        return ChatRecord.model_validate_json(reply[1])

    async def tend(self, room: RoomId, replica: ReplicaId) -> Tended:
        """Learn the room's version, and renew or take its driver's lease. Raises `RoomGone`, `RoomMissing`."""
        status, *rest = await self._run("tend", room, replica)
        self._expect_room(room, status)
        incarnation, version, driver, fence, now_ms = rest
        return Tended(
            Incarnation(incarnation.decode()), version, ReplicaId(driver.decode()), int(fence or 0), int(now_ms)
        )

    async def release(self, room: RoomId, replica: ReplicaId) -> None:
        """Give the driver's lease up if it is ours."""
        await self._run("release", room, replica)

    async def snapshot(self, room: RoomId) -> RoomState:
        """Raises `RoomGone`, `RoomMissing`."""
        status, *rest = await self._run("snapshot", room)
        self._expect_room(room, status)
        return RoomState.from_redis(room, rest[0])

    async def close(self, room: RoomId, incarnation: Incarnation) -> None:
        """End the room for everybody."""
        await self._run("close", room, incarnation)

    async def restore(
        self, state: RoomState, mine: Mapping[ParticipantId, tuple[Person, ResumeTokens]], tracks: Sequence[TrackRecord]
    ) -> None:
        """Put back what this replica knows of a room that Redis has forgotten. Raises `Superseded` when an older
        incarnation was put back already."""
        known = {
            "incarnation": state.incarnation,
            "version": state.version,
            "created_at": state.created_at,
            "policy": state.policy.model_dump(mode="json"),
            "policy_at": state.policy_at,
            "fence": state.fence,
            "legs": [leg.model_dump(mode="json") for leg in state.legs.values()],
            "people": [
                {
                    "person": person.model_dump(mode="json", exclude_none=True),
                    "tokens": {"current": tokens.current, "previous": tokens.previous, "spent": tokens.spent},
                }
                for person, tokens in mine.values()
            ],
            "tracks": [track.model_dump(mode="json") for track in tracks],
            "chat": [message.model_dump(mode="json") for message in state.chat],
        }
        if state.move is not None:
            known["move"] = state.move.model_dump(mode="json", exclude_none=True)
        status, *_ = await self._run("restore", state.room, json.dumps(known))
        if status == b"superseded":
            raise Superseded

    async def _run(self, name: str, room: RoomId, *args: str | int) -> list[Any]:
        room_keys = [keys.room_key(room, part) for part in _PARTS]
        reply: list[Any] = await self._redis.run(self._scripts[name], room_keys, [room, *args])
        return reply

    @staticmethod
    def _expect_room(room: RoomId, status: bytes) -> None:
        if status == b"closed":
            raise RoomGone(room)
        if status == b"missing":
            raise RoomMissing(room)

    @staticmethod
    def _expect_ok(reply: Sequence[Any]) -> None:
        if reply[0] != b"ok":
            _refuse(reply[0])


def _actor(by: Person | None) -> tuple[str, int]:
    """Who asks for a change: a participant, or the control plane itself, which may do anything."""
    return (by.id, by.generation) if by else ("", 0)


def _expect_room_for_one(reply: Sequence[Any]) -> None:
    match reply[0]:
        case b"room_full":
            raise RoomFull(f"This room takes at most {int(reply[1])} participants.")
        case b"lobby_full":
            raise LobbyFull(int(reply[1]))
        case b"room_locked":
            raise RoomLocked
        case b"no_waiting":
            raise NoWaiting


def _refuse(status: bytes) -> Never:
    if status == b"changed":
        raise ChangedMeanwhile
    if status == b"superseded":
        raise Superseded
    if status == b"person_missing":
        raise PersonMissing
    if status == b"not_allowed":
        raise NotAllowed("You may not do this here.")
    if status == b"conflict":
        raise Conflict("This id belongs to somebody else.")
    raise NotFound("It is not in this room.")


def guest_identity() -> Identity:
    return Identity(new_id("guest"))
