"""Who may ask what: every role against every request of the protocol. This table is the specification.

`None` is done. The role `kicked` and `banned` try over a new connection, with the token that they came with.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, get_args

import pytest

from control_plane.access.tokens import Grants, RoomTokens
from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import RoomStore
from control_plane.signaling.messages import ClientMessage
from tests.support.client import Client, RequestFailed, connected
from tests.support.inprocess import TOKEN_SECRET, LocalNode, LocalReplica, local_node, local_replica
from tests.support.offers import offer, track_id
from tests.support.redis import RedisTarget

ROLES: dict[str, dict[str, Any]] = {
    "nobody": {},
    "in lobby": {},
    "guest": {"sub": None},
    "speaker": {},
    "listener": {"publish": []},
    "without chat": {"chat": False},
    "without ears": {"subscribe": False},
    "author of attributes": {"own_attributes": True},
    "hidden": {"hidden": True},
    "moderator": {"moderate": True},
    "kicked": {},
    "banned": {},
}
OUTSIDE = {"nobody", "kicked", "banned"}

TARGETS_MICROPHONE = track_id("target", "microphone")
SELF, TARGET, WAITING, TOKEN = "SELF", "TARGET", "WAITING", "TOKEN"

# What each asks, and the code for the roles that are refused. `*` stands for every role inside the room that is not
# named; those outside and in the lobby are named where they are not simply `not_allowed`.
Refusals = dict[str, str]
ONLY_MODERATORS: Refusals = {"*": "not_allowed", "moderator": ""}
ACTIONS: dict[str, tuple[str, dict[str, Any], Refusals]] = {
    "joins": ("join", {"token": TOKEN}, {"*": "not_allowed", "nobody": "", "kicked": "kicked", "banned": "banned"}),
    "resumes": (
        "resume",
        {"token": "RESUME"},
        {"*": "not_allowed", "nobody": "resume_refused", "kicked": "kicked", "banned": "banned"},
    ),
    "leaves": ("leave", {}, {"in lobby": ""}),
    "asks for a sign of life": ("ping", {}, {"in lobby": "", "nobody": "", "kicked": "", "banned": ""}),
    "publishes a camera": ("description", offer("camera", owner="actor"), {"listener": "not_allowed"}),
    "publishes a screen": ("description", offer("screen", "screen_audio", owner="actor"), {"listener": "not_allowed"}),
    "publishes under somebody else's track": (
        "description",
        offer("microphone", owner="target"),
        {"*": "conflict"},
    ),
    "trickles": ("candidate", {"epoch": 1, "pc": "publisher", "negotiation": 1, "candidate": None}, {}),
    "is ready": ("ready", {"epoch": 1}, {}),
    "unmutes somebody else's track": (
        "track.update",
        {"track": TARGETS_MICROPHONE, "muted": False},
        {"*": "not_found"},
    ),
    "subscribes": ("subscribe", {"tracks": None}, {"without ears": "not_allowed"}),
    "chats": ("chat", {"text": "hello"}, {"without chat": "not_allowed"}),
    "sends what may get lost": (
        "message",
        {"topic": "reaction", "text": "applause"},
        {"without chat": "not_allowed", "hidden": "not_allowed"},
    ),
    "asks for a restart of ICE": ("restart", {"epoch": 1, "pc": "publisher"}, {}),
    "raises a hand": ("hand", {"raised": True}, {"hidden": "not_allowed"}),
    "lowers a hand": ("hand", {"raised": False}, {}),
    "lowers somebody else's hand": ("hand", {"raised": False, "participant": TARGET}, ONLY_MODERATORS),
    "raises somebody else's hand": (
        "hand",
        {"raised": True, "participant": WAITING},
        {"*": "not_allowed", "moderator": "not_found"},
    ),
    "changes own attributes": (
        "attributes",
        {"attributes": {"mood": "fine"}},
        {"*": "not_allowed", "author of attributes": ""},
    ),
    "changes permissions": ("permissions", {"participant": TARGET, "chat": False}, ONLY_MODERATORS),
    "makes itself moderator": ("permissions", {"participant": SELF, "moderate": True}, ONLY_MODERATORS),
    "mutes somebody's source": ("participant.mute", {"participant": TARGET, "source": "microphone"}, ONLY_MODERATORS),
    "stops somebody's track": (
        "participant.mute",
        {"participant": TARGET, "track": TARGETS_MICROPHONE, "stop": True},
        ONLY_MODERATORS,
    ),
    "kicks": ("kick", {"participant": TARGET}, ONLY_MODERATORS),
    "kicks itself": ("kick", {"participant": SELF}, {"*": "not_allowed"}),
    "kicks somebody in the lobby": ("kick", {"participant": WAITING}, ONLY_MODERATORS),
    "bans": ("ban", {"participant": TARGET, "for_s": 60}, ONLY_MODERATORS),
    "bans somebody in the lobby": ("ban", {"participant": WAITING, "for_s": 60}, ONLY_MODERATORS),
    "admits": ("lobby.admit", {"participant": WAITING}, ONLY_MODERATORS),
    "admits itself": ("lobby.admit", {"participant": SELF}, {"*": "not_allowed", "moderator": "not_found"}),
    "denies": ("lobby.deny", {"participant": WAITING}, ONLY_MODERATORS),
    "locks": ("lock", {"locked": True}, ONLY_MODERATORS),
    "unlocks": ("lock", {"locked": False}, ONLY_MODERATORS),
}


def expected(role: str, refusals: Refusals) -> str | None:
    outside = role in OUTSIDE or role == "in lobby"
    otherwise = "not_allowed" if outside else refusals.get("*", "")
    return refusals.get(role, otherwise) or None


@pytest.fixture
async def node(redis_target: RedisTarget) -> AsyncIterator[LocalNode]:
    async with local_node(redis_target, "n1") as node:
        yield node


@pytest.fixture
async def replica(redis_target: RedisTarget, node: LocalNode) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "here", nodes=(node.id,)) as replica:
        yield replica


def token(room: str, identity: str, **grants: Any) -> str:
    claims = {"room": room, "sub": identity, "name": identity, **grants}
    return RoomTokens(TOKEN_SECRET).mint(Grants.model_validate(claims))


@dataclass
class Scene:
    """A room with a lobby: a moderator, somebody who publishes and raises a hand, somebody who waits, and the actor."""

    actor: Client
    target: Client
    waiting: Client
    token: str

    def fill(self, fields: dict[str, Any]) -> dict[str, Any]:
        joined = self.actor.joined
        known = {
            SELF: joined["participant"]["id"] if joined else "p_nobody",
            TARGET: self.target.id,
            WAITING: self.waiting.id,
            TOKEN: self.token,
            "RESUME": joined["resume"] if joined else "demo:p_nobody:nothing",
        }
        return {name: known.get(value, value) if isinstance(value, str) else value for name, value in fields.items()}


async def scene(stack: AsyncExitStack, replica: LocalReplica, store: RoomStore, room: str, role: str) -> Scene:
    async def arrives(identity: str, **grants: Any) -> Client:
        client = await stack.enter_async_context(connected(replica.ws_url))
        return await client.join(token(room, identity, **grants))

    moderator, target = await arrives("moderator", moderate=True), await arrives("target")
    await target.asks("description", **offer("microphone", owner="target"))
    await target.asks("hand", raised=True)
    await target.hears("track.published")
    shown = token(room, "actor", **ROLES[role])
    actor = await stack.enter_async_context(connected(replica.ws_url))
    if role not in {"in lobby", "nobody"}:
        await actor.join(shown)
    await store.set_policy(RoomId(room), RoomPolicy(lobby=True))
    waiting = await arrives("waiting")
    if role == "in lobby":
        await actor.join(shown)
    if role in {"kicked", "banned"}:
        await moderator.asks({"kicked": "kick", "banned": "ban"}[role], participant=actor.id)
        await actor.is_closed()
        stay = actor.joined
        actor = await stack.enter_async_context(connected(replica.ws_url))
        actor.joined = stay
    return Scene(actor, target, waiting, shown)


async def outcome(client: Client, kind: str, fields: dict[str, Any]) -> str | None:
    """The code that the request is refused with, None when it is done."""
    try:
        await client.asks(kind, **fields)
    except RequestFailed as error:
        return error.code
    return None


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_may_do_this_and_nothing_else(
    redis_target: RedisTarget, replica: LocalReplica, role: str
) -> None:
    found, specified = {}, {}
    async with redis_target.connect() as redis:
        for number, (action, (kind, fields, refusals)) in enumerate(ACTIONS.items()):
            async with AsyncExitStack() as stack:
                setting = await scene(stack, replica, RoomStore(redis), f"room-{number}", role)
                found[action] = await outcome(setting.actor, kind, setting.fill(fields))
                specified[action] = expected(role, refusals)
    assert found == specified


def test_the_table_has_every_request_of_the_protocol() -> None:
    requests = {request.model_fields["type"].annotation for request in get_args(get_args(ClientMessage)[0])}
    assert {kind for kind, _, _ in ACTIONS.values()} == {get_args(literal)[0] for literal in requests}
