"""The protocol over real websockets: what clients are told, and what bad input does."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from control_plane.ids import RoomId
from control_plane.rooms.errors import RoomGone, RoomMissing
from control_plane.rooms.store import RoomStore
from control_plane.signaling.messages import SUBPROTOCOL, CloseCode
from control_plane.state import Redis
from media_adapters.events import RoomClosed
from tests.support.client import RequestFailed, connected
from tests.support.inprocess import LocalNode, LocalReplica, local_node, local_replica
from tests.support.redis import RedisTarget

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
    "a=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n"
)
MICROPHONE = {"id": "t_microphone1", "mid": "0", "kind": "audio", "source": "microphone"}


@pytest.fixture
async def node(redis_target: RedisTarget) -> AsyncIterator[LocalNode]:
    async with local_node(redis_target, "n1") as node:
        yield node


@pytest.fixture
async def replica(redis_target: RedisTarget, node: LocalNode) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "here", nodes=("n1", "n2")) as replica:
        yield replica


@pytest.fixture
async def other(redis_target: RedisTarget, replica: LocalReplica) -> AsyncIterator[LocalReplica]:
    async with local_replica(redis_target, "there", nodes=("n1", "n2")) as other:
        yield other


def offer(negotiation: int = 1, epoch: int = 1, sdp: str = OFFER, **changes: Any) -> dict[str, Any]:
    message = {
        "epoch": epoch,
        "pc": "publisher",
        "negotiation": negotiation,
        "description": {"type": "offer", "sdp": sdp},
        "tracks": [MICROPHONE],
    }
    return message | changes


async def test_people_at_two_replicas_are_in_one_room(replica: LocalReplica, other: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice, connected(other.ws_url) as bob:
        await alice.join(replica.token("demo", "alice"))
        await bob.join(other.token("demo", "bob"))

        assert (await alice.hears("participant.joined"))["participant"]["identity"] == "bob"
        seen = {person["identity"] for person in bob.joined["snapshot"]["participants"]}
        assert seen == {"alice", "bob"}
        assert bob.joined["placement"]["topology"] == "sfu"

        said = await bob.asks("chat", text="hello", nonce="nonce_0001")
        assert (await alice.hears("chat.message"))["message"] == said["message"]
        await bob.asks("leave")
        assert (await alice.hears("participant.left"))["reason"] == "left"
        assert await bob.is_closed() == CloseCode.ENDED


async def test_tracks_and_mutes_cross_replicas(replica: LocalReplica, other: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice, connected(other.ws_url) as bob:
        await alice.join(replica.token("demo", "alice"))
        await bob.join(other.token("demo", "bob"))
        await alice.asks("description", **offer())

        assert (await alice.hears("description"))["description"]["type"] == "answer"
        track = (await bob.hears("track.published"))["track"]
        assert (track["id"], track["participant"]) == ("t_microphone1", alice.id)
        await alice.asks("track.update", track="t_microphone1", muted=True)
        assert (await bob.hears("track.updated"))["track"]["muted"]
        await alice.asks("leave")
        assert (await bob.hears("track.ended"))["track"] == "t_microphone1"


async def joins_and_leaves(at: LocalReplica, room: str) -> None:
    async with connected(at.ws_url) as client:
        await client.join(at.token(room), name="somebody")
        await client.asks("description", **offer(tracks=[MICROPHONE | {"id": f"t_{client.id[-12:]}"}]))
        await client.asks("leave")


async def test_two_first_joins_at_one_instant_end_on_one_node(redis_target: RedisTarget) -> None:
    """Each try: the first two people of a room come at one time at two replicas, with two nodes to choose from."""
    tries = 200 if redis_target.cluster else 1000
    together = asyncio.Semaphore(10)

    async def one_try(number: int, replicas: tuple[LocalReplica, ...]) -> None:
        async with together:
            await asyncio.gather(*(joins_and_leaves(at, f"room{number}") for at in replicas))

    async with (
        local_node(redis_target, "n1") as one,
        local_node(redis_target, "n2") as two,
        local_replica(redis_target, "here", nodes=("n1", "n2")) as here,
        local_replica(redis_target, "there", nodes=("n1", "n2")) as there,
    ):
        await asyncio.gather(*(one_try(number, (here, there)) for number in range(tries)))

    assert len(one.media.opened | two.media.opened) == tries
    assert not one.media.opened & two.media.opened
    assert one.media.opened
    assert two.media.opened


async def test_a_room_that_is_closed_while_people_join_leaves_nobody_in_doubt(
    redis: Redis, replica: LocalReplica, other: LocalReplica
) -> None:
    """Each of them is in, or told why not; and afterwards the room opens again."""
    store, outcomes, arrived = RoomStore(redis), [], asyncio.Event()

    async def joins(at: LocalReplica) -> None:
        async with connected(at.ws_url) as client:
            try:
                await client.join(at.token("busy"), name="somebody")
            except (RequestFailed, ConnectionError) as failed:
                outcomes.append(failed.code if isinstance(failed, RequestFailed) else "closed")
            else:
                outcomes.append("joined")
            arrived.set()

    async def closes() -> None:
        for _ in range(10):
            await arrived.wait()
            arrived.clear()
            with contextlib.suppress(RoomGone, RoomMissing):
                await store.close(RoomId("busy"), (await store.snapshot(RoomId("busy"))).incarnation)

    closing = asyncio.create_task(closes())
    await asyncio.gather(*(joins(at) for at in (replica, other) * 30))
    closing.cancel()
    await asyncio.wait({closing})

    assert set(outcomes) <= {"joined", "closed", "room_closed", "unavailable"}
    async with connected(replica.ws_url) as client:
        await client.join(replica.token("busy"), name="somebody")


async def test_a_lost_connection_resumes_at_another_replica(replica: LocalReplica, other: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as bob:
        await alice.join(replica.token("demo", "alice"))
        await bob.join(replica.token("demo", "bob"))
        await alice.drops()
        assert not (await bob.hears("participant.updated"))["participant"]["connected"]

        async with connected(other.ws_url) as again:
            await again.resume(alice.resume_token)
            assert again.id == alice.id
            assert (await bob.hears("participant.updated"))["participant"]["connected"]
            await again.asks("chat", text="back", nonce="nonce_0002")
            assert (await bob.hears("chat.message"))["message"]["participant"] == alice.id


async def test_a_leave_counts_although_the_client_is_gone_at_once(replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as bob:
        await alice.join(replica.token("demo", "alice"))
        await bob.join(replica.token("demo", "bob"))
        await alice.tells("chat", text="goodbye")
        await alice.tells("leave")
        await alice.socket.close()
        assert (await bob.hears("participant.left"))["reason"] == "left"
        assert (await bob.hears("chat.message"))["message"]["text"] == "goodbye"


async def test_a_muted_track_is_not_forwarded(node: LocalNode, replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice:
        await alice.join(replica.token("demo", "alice"))
        await alice.asks("description", **offer())
        await alice.hears("track.published")
        await alice.asks("track.update", track="t_microphone1", muted=True)
        await node.media.until(lambda: node.media.muted == {"t_microphone1"})


async def test_a_resume_token_works_once(replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as again:
        await alice.join(replica.token("demo", "alice"))
        await again.resume(alice.resume_token)
        assert await alice.is_closed() == CloseCode.SUPERSEDED
        await again.asks("chat", text="I have the new token")
        async with connected(replica.ws_url) as thief:
            with pytest.raises(RequestFailed) as refused:
                await thief.resume(alice.resume_token)
            assert refused.value.code == "resume_refused"
            assert await thief.is_closed() == CloseCode.NOT_JOINED
        assert (await again.hears("session.ended"))["code"] == "token_reused"
        assert await again.is_closed() == CloseCode.UNAVAILABLE


async def test_an_interrupted_offer_is_repeated_at_the_replica_of_the_resume(
    node: LocalNode, replica: LocalReplica, other: LocalReplica
) -> None:
    async with connected(replica.ws_url) as alice, connected(other.ws_url) as again:
        await alice.join(replica.token("demo", "alice"))
        node.media.held["publish"] = asyncio.Event()
        await alice.tells("description", **offer())
        await node.media.waiting.wait()
        await alice.drops()

        interrupted = {"epoch": 1, "pc": "publisher", "negotiation": 1, "signaling_state": "have-local-offer"}
        await again.resume(alice.resume_token, [interrupted])
        assert again.joined["repair"] == [{"epoch": 1, "pc": "publisher", "action": "repeat"}]
        node.media.held.pop("publish").set()
        await again.asks("description", **offer())
        assert (await again.hears("description"))["negotiation"] == 1
        await again.hears("track.published")


async def test_media_that_the_node_forgot_gets_a_new_epoch(node: LocalNode, replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as again:
        await alice.join(replica.token("demo", "alice"))
        await alice.drops()
        settled = {"epoch": 1, "pc": "publisher", "negotiation": 3, "signaling_state": "stable"}
        await again.resume(alice.resume_token, [settled])
        assert (await again.hears("placement"))["placement"]["epoch"] == 2
        assert (await again.hears("placement.closed"))["epoch"] == 1
        await again.asks("description", **offer(epoch=2))


async def test_a_room_that_its_node_lost_gets_a_new_epoch_and_no_other_room_does(
    node: LocalNode, replica: LocalReplica, redis: Redis
) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as bob:
        await alice.join(replica.token("lost", "alice"))
        await bob.join(replica.token("kept", "bob"))
        lost = (await RoomStore(redis).snapshot(RoomId("lost"))).ref()
        node.media.emit(RoomClosed(room=lost.model_copy(update={"incarnation": "i_earlier"}), reason="destroyed"))
        node.media.emit(RoomClosed(room=lost, reason="destroyed"))
        assert (await alice.hears("placement"))["placement"]["epoch"] == 2
        await alice.drops()
        state = await RoomStore(redis).snapshot(RoomId("kept"))
        assert [person.epoch for person in state.people.values()] == [1]


async def test_of_many_who_join_one_asks_the_node_to_open_the_room(node: LocalNode, replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as bob:
        await alice.join(replica.token("demo", "alice"))
        await node.media.until(lambda: bool(node.media.opened))
        await bob.join(replica.token("demo", "bob"))
        await bob.asks("description", **offer())
        assert [method for method, _ in node.media.calls].count("open_room") == 1


async def test_events_are_numbered_from_one_without_a_gap(replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice:
        await alice.join(replica.token("demo", "alice"))
        for number in range(20):
            await alice.asks("chat", text=str(number))
        assert alice.seqs == list(range(1, len(alice.seqs) + 1))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (offer(epoch=9), "stale_message"),
        (offer(sdp="this is no SDP"), "invalid_description"),
        (offer(description={"type": "answer", "sdp": OFFER}), "invalid_description"),
        (offer(pc="subscriber", description={"type": "answer", "sdp": OFFER}), "not_found"),
        (offer(tracks=[MICROPHONE | {"id": "short"}]), "invalid_request"),
        (offer(sdp="v=0\r\n" + "a" * 200_001), "invalid_request"),
        (offer(negotiation=-1), "invalid_request"),
        (offer(pc="bystander"), "invalid_request"),
    ],
)
async def test_a_bad_description_gets_its_own_error_and_the_connection_goes_on(
    replica: LocalReplica, fields: dict[str, Any], code: str
) -> None:
    async with connected(replica.ws_url) as alice:
        await alice.join(replica.token("demo", "alice"))
        with pytest.raises(RequestFailed) as refused:
            await alice.asks("description", **fields)
        assert refused.value.code == code
        await alice.asks("description", **offer())


async def test_an_older_negotiation_is_stale(replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice:
        await alice.join(replica.token("demo", "alice"))
        await alice.asks("description", **offer(negotiation=2))
        with pytest.raises(RequestFailed, match="stale_message"):
            await alice.asks("description", **offer(negotiation=1))


async def test_nobody_publishes_under_the_id_of_another_s_track(replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as bob:
        await alice.join(replica.token("demo", "alice"))
        await bob.join(replica.token("demo", "bob"))
        await alice.asks("description", **offer())
        await bob.hears("track.published")
        with pytest.raises(RequestFailed, match="conflict"):
            await bob.asks("description", **offer())


@pytest.mark.parametrize(
    ("token", "code"),
    [("forged", "invalid_token"), ("", "invalid_token"), ("expired", "expired_token"), ("x" * 9000, "invalid_request")],
)
async def test_a_bad_token_lets_nobody_in_and_a_good_one_still_does(
    replica: LocalReplica, token: str, code: str
) -> None:
    async with connected(replica.ws_url) as alice:
        shown = replica.token("demo", "alice", ttl=-60) if token == "expired" else token
        with pytest.raises(RequestFailed) as refused:
            await alice.join(shown)
        assert refused.value.code == code
        await alice.join(replica.token("demo", "alice"))


async def test_a_guest_needs_a_name_and_gets_an_identity_of_its_own(replica: LocalReplica) -> None:
    token = replica.token("demo")
    async with connected(replica.ws_url) as one, connected(replica.ws_url) as two:
        with pytest.raises(RequestFailed, match="invalid_request"):
            await one.join(token)
        await one.join(token, name="Ann")
        await two.join(token, name="Ann")
        assert one.joined["participant"]["identity"] != two.joined["participant"]["identity"]


async def test_the_same_identity_again_replaces_the_earlier_presence(
    replica: LocalReplica, other: LocalReplica
) -> None:
    async with connected(replica.ws_url) as first, connected(other.ws_url) as second:
        await first.join(replica.token("demo", "alice"))
        await second.join(other.token("demo", "alice"))
        assert (await first.hears("session.ended"))["code"] == "replaced"
        assert await first.is_closed() == CloseCode.ENDED
        assert len(second.joined["snapshot"]["participants"]) == 1


async def test_hidden_people_are_noticed_by_nobody(replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as ghost, connected(replica.ws_url) as bob:
        await alice.join(replica.token("demo", "alice"))
        await ghost.join(replica.token("demo", "ghost", hidden=True))
        await bob.join(replica.token("demo", "bob"))
        assert (await alice.hears("participant.joined"))["participant"]["identity"] == "bob"
        assert {p["identity"] for p in bob.joined["snapshot"]["participants"]} == {"alice", "bob"}
        assert {p["identity"] for p in ghost.joined["snapshot"]["participants"]} == {"alice", "ghost"}


async def test_nobody_is_sent_what_hidden_people_publish(node: LocalNode, replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as bob, connected(replica.ws_url) as ghost:
        await bob.join(replica.token("demo", "bob"))
        await ghost.join(replica.token("demo", "ghost", hidden=True))
        await ghost.asks("description", **offer())
        await ghost.hears("track.published")
        await bob.asks("chat", text="still alone")
        assert "subscribe" not in [method for method, _ in node.media.calls]


async def test_who_speaks_another_subprotocol_is_told_so(replica: LocalReplica) -> None:
    async with aiohttp.ClientSession() as session:
        for protocols in ((), ("nexusvibe.v9",)):
            async with session.ws_connect(replica.ws_url, protocols=protocols) as socket:
                closing = await socket.receive()
                assert closing.type is aiohttp.WSMsgType.CLOSE
                assert socket.close_code == CloseCode.PROTOCOL_ERROR
                assert SUBPROTOCOL in str(closing.extra)


async def test_binary_frames_and_oversized_ones_end_the_connection_only(replica: LocalReplica) -> None:
    async with (
        connected(replica.ws_url) as binary,
        connected(replica.ws_url) as huge,
        connected(replica.ws_url) as fine,
    ):
        await binary.socket.send_bytes(b"\x00" * 10)
        assert await binary.is_closed() == CloseCode.PROTOCOL_ERROR
        await huge.socket.send_str(json.dumps({"type": "join", "token": "x" * 2_000_000}))
        assert await huge.is_closed() in {1009, CloseCode.TOO_LARGE}
        await fine.join(replica.token("demo", "fine"))


async def test_a_flood_is_slowed_down_and_then_cut_off(replica: LocalReplica) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as bob:
        await alice.join(replica.token("demo", "alice"))
        await bob.join(replica.token("demo", "bob"))
        for _ in range(400):
            await alice.tells("chat", text="flood")
        assert await alice.is_closed() == CloseCode.TOO_FAST
        assert any(event.get("code") == "rate_limited" for event in alice.events)
        await bob.asks("chat", text="unharmed")


async def test_nothing_is_left_of_people_who_came_and_went(
    redis_target: RedisTarget, node: LocalNode, replica: LocalReplica
) -> None:
    async with redis_target.connect() as redis:

        async def comes_and_goes(number: int) -> None:
            async with connected(replica.ws_url) as client:
                await client.join(replica.token("leaky", f"person{number}"))
                track = MICROPHONE | {"id": f"t_{number:08}"}
                await client.asks("description", **offer(tracks=[track]))
                await client.asks("leave")

        await comes_and_goes(0)
        before = asyncio.all_tasks()
        for start in range(1, 100, 10):
            await asyncio.gather(*(comes_and_goes(number) for number in range(start, start + 10)))
        assert len(asyncio.all_tasks()) <= len(before) + 2
        assert not any(node.media.rooms.values())
        for part in ("people", "tracks", "replicas", "resume"):
            assert await redis.execute("EXISTS", f"nv:{{room:leaky}}:{part}") == 0
