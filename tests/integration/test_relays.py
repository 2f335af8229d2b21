"""People are given relays, in time fresh ones; from a relay-only room no address of theirs leaves the replica."""

import asyncio
import base64
import hmac
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.store import RoomStore
from control_plane.turn.credentials import TurnCredential
from control_plane.turn.models import TurnServer
from control_plane.turn.secrets import read, rotated, write
from control_plane.turn.settings import TurnSettings
from media_adapters.events import ConnectionChanged
from media_adapters.models import PeerConnectionRole
from tests.support.client import Client, RequestFailed, connected
from tests.support.inprocess import LocalNode, LocalReplica, local_node, local_replica
from tests.support.ports import reserved_port
from tests.support.redis import RedisTarget
from tests.support.turn import TurnClient, running_relay

TTL = 3600
HOST = "candidate:1 1 udp 2122260223 198.51.100.7 54321 typ host generation 0 ufrag abcd"
RELAYED = "candidate:2 1 udp 41885439 203.0.113.5 50000 typ relay raddr 198.51.100.7 rport 54321 ufrag abcd"
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nt=0 0\r\nm=audio 54321 UDP/TLS/RTP/SAVPF 111\r\n"
    f"c=IN IP4 198.51.100.7\r\na=mid:0\r\na={HOST}\r\na={RELAYED}\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:0123456789012345678901\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n"
)
MICROPHONE = {"id": "t_microphone1", "mid": "0", "kind": "audio", "source": "microphone"}


class MovableClock:
    """Real time, and what is added to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    path = tmp_path / "turn-secrets"
    write(path, rotated((), int(time.time()), delay=0, ttl=TTL))
    return path


@pytest.fixture
async def node(redis_target: RedisTarget) -> AsyncIterator[LocalNode]:
    async with local_node(redis_target, "n1") as node:
        yield node


@pytest.fixture
async def replica(
    redis_target: RedisTarget, node: LocalNode, secrets: Path, clock: MovableClock
) -> AsyncIterator[LocalReplica]:
    server = TurnServer(id="t1", host="127.0.0.1", udp=reserved_port(), tcp=reserved_port())
    turn = TurnSettings(_env_file=None, turn_servers=(server,), turn_secrets=secrets, turn_ttl_s=TTL)
    async with local_replica(redis_target, "here", nodes=("n1",), clock=clock, turn=turn) as replica:
        yield replica


def servers_of(message: dict[str, Any]) -> dict[str, Any]:
    (server,) = message["ice_servers"]
    return dict(server)


def offer(sdp: str = OFFER) -> dict[str, Any]:
    description = {"type": "offer", "sdp": sdp}
    return {"epoch": 1, "pc": "publisher", "negotiation": 1, "description": description, "tracks": [MICROPHONE]}


def restarted(node: LocalNode, times: int) -> bool:
    return [call for call, _ in node.media.calls].count("restart_ice") == times


async def trickle(client: Client, candidate: str) -> None:
    fields = {"epoch": 1, "pc": "publisher", "negotiation": 1}
    await client.asks("candidate", **fields, candidate={"candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0})


async def test_who_joins_is_given_a_relay_with_a_credential_of_their_own(replica: LocalReplica, secrets: Path) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as bob:
        await alice.join(replica.token("wedding", "alice"))
        await bob.join(replica.token("wedding", "bob"))
        of_alice, of_bob = (servers_of(client.joined["placement"]) for client in (alice, bob))
    expiry, _, opaque = of_alice["username"].partition(":")
    assert TTL - 60 < int(expiry) - time.time() <= TTL
    assert "alice" not in opaque
    assert "wedding" not in opaque
    assert of_alice["username"] != of_bob["username"]
    signed = hmac.digest(read(secrets)[0].value.encode(), of_alice["username"].encode(), "sha1")
    assert base64.b64decode(of_alice["credential"]) == signed


async def test_credentials_are_refreshed_before_they_expire_and_stay_the_same_persons(
    replica: LocalReplica, node: LocalNode, clock: MovableClock
) -> None:
    async with connected(replica.ws_url) as alice:
        await alice.join(replica.token("call", "alice"))
        before = servers_of(alice.joined["placement"])
        await alice.asks("description", **offer())
        await node.media.until(lambda: bool(node.media.wanted))
        (peer,) = next(iter(node.media.rooms.values()))
        node.media.emit(ConnectionChanged(peer=peer, pc=PeerConnectionRole.SUBSCRIBER, connected=True))
        for refresh in range(1, 4):
            clock.ahead = refresh * TTL * 5 / 6 + refresh
            publisher = await alice.hears("restart", pc="publisher")
            subscriber = await alice.hears("restart", pc="subscriber")
            after = servers_of(publisher)
            assert servers_of(subscriber) == after
            assert after["username"].partition(":")[2] == before["username"].partition(":")[2]
            assert int(after["username"].partition(":")[0]) > clock.now() + TTL - 60
            await node.media.until(partial(restarted, node, refresh))


async def test_a_client_whose_network_has_changed_is_given_servers_and_has_its_subscriber_restarted(
    replica: LocalReplica, node: LocalNode
) -> None:
    async with connected(replica.ws_url) as alice:
        await alice.join(replica.token("call", "alice"))
        await alice.asks("description", **offer())
        await node.media.until(lambda: bool(node.media.wanted))
        await alice.asks("restart", epoch=1, pc="subscriber")
        before = servers_of(alice.joined["placement"])["username"].partition(":")[2]
        heard = await alice.hears("restart", epoch=1)
        assert (heard["pc"], servers_of(heard)["username"].partition(":")[2]) == ("subscriber", before)
        assert restarted(node, 1)
        await alice.asks("restart", epoch=1, pc="publisher")
        await alice.hears("restart", pc="publisher")
        assert restarted(node, 1)
        with pytest.raises(RequestFailed, match="stale_message"):
            await alice.asks("restart", epoch=2, pc="subscriber")
        many = (alice.asks("restart", epoch=1, pc="publisher") for _ in range(20))
        answers = await asyncio.gather(*many, return_exceptions=True)
        assert "rate_limited" in {answer.code for answer in answers if isinstance(answer, RequestFailed)}


async def test_nothing_but_relayed_candidates_leaves_a_relay_only_room(
    replica: LocalReplica, node: LocalNode, redis_target: RedisTarget
) -> None:
    async with connected(replica.ws_url) as bob, connected(replica.ws_url) as alice, redis_target.connect() as redis:
        await bob.join(replica.token("private", "bob"))
        await RoomStore(redis).set_policy(RoomId("private"), RoomPolicy(relay_only=True))
        await alice.join(replica.token("private", "alice"))
        await alice.asks("description", **offer())
        await trickle(alice, HOST)
        await trickle(alice, RELAYED)
        await node.media.until(lambda: bool(node.media.candidates))
    (reached,) = node.media.offers
    assert "198.51.100.7" not in reached.sdp
    assert "203.0.113.5" in reached.sdp
    assert [candidate and candidate.candidate for candidate in node.media.candidates] == [
        RELAYED.replace("raddr 198.51.100.7 rport 54321", "raddr 0.0.0.0 rport 0")
    ]


async def test_a_client_of_a_relay_only_room_is_told_to_keep_to_relays(
    replica: LocalReplica, redis_target: RedisTarget
) -> None:
    async with connected(replica.ws_url) as alice, connected(replica.ws_url) as bob, redis_target.connect() as redis:
        await alice.join(replica.token("private", "alice"))
        assert alice.joined["placement"]["ice_policy"] == "all"
        await RoomStore(redis).set_policy(RoomId("private"), RoomPolicy(relay_only=True))
        await bob.join(replica.token("private", "bob"))
        assert bob.joined["placement"]["ice_policy"] == "relay"


async def test_a_kick_cuts_what_they_relay_and_integrators_are_told_what_it_was(
    tmp_path: Path, redis_target: RedisTarget, node: LocalNode, secrets: Path
) -> None:
    server = TurnServer(id="t1", host="127.0.0.1", udp=reserved_port())
    turn = TurnSettings(
        _env_file=None, turn_servers=(server,), turn_secrets=secrets, turn_ttl_s=TTL, turn_price_per_gb=2e9
    )
    async with (
        local_replica(redis_target, "here", nodes=("n1",), turn=turn) as replica,
        running_relay(tmp_path, "--report-to", replica.url, port=server.udp) as relay,
        connected(replica.ws_url) as alice,
        connected(replica.ws_url) as bob,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {await replica.api_key('call')}"}) as rest,
    ):
        await alice.join(replica.token("call", "alice"))
        await bob.join(replica.token("call", "bob"))
        async with TurnClient.allocate(server, given_to(alice)) as of_alice:
            async with TurnClient.allocate(server, given_to(bob)) as of_bob:
                await of_bob.sends(bytes(1000), ("127.0.0.1", 9))
                kick = f"{replica.url}/v1/rooms/call/participants/{bob.id}/kick"
                assert (await rest.post(kick, json={})).status == 204
                await relay.process.says("cut 1 of people")
                await of_bob.is_ended()
            assert await of_alice.refreshes() is None
        usage = await something_relayed(rest, f"{replica.url}/v1/rooms/call/usage")
    assert usage["received_bytes"] > 1000
    assert usage["cost"] == 2 * (usage["received_bytes"] + usage["sent_bytes"])


async def something_relayed(rest: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """A room's usage, once there is some: it comes within a second of an allocation's end."""
    async with asyncio.timeout(30):
        while True:
            async with rest.get(url) as answer:
                usage: dict[str, Any] = await answer.json()
            if usage["received_bytes"] > 1000:
                return usage
            await asyncio.sleep(0.05)


def given_to(client: Client) -> TurnCredential:
    server = servers_of(client.joined["placement"])
    return TurnCredential(server["username"], server["credential"])
