"""In a relay-only room nobody learns anybody's address: whoever looks at every byte that reaches them finds none."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from control_plane.database import Database
from control_plane.ids import RoomId
from control_plane.rooms.policy import RoomPolicy
from control_plane.rooms.records import RoomRecord, RoomRecords
from tests.support.addresses import Markers, forms
from tests.support.client import Client, connected
from tests.support.media import peer_connection
from tests.support.replica import Replica, System, running_system
from tests.support.whip import http, player

pytestmark = pytest.mark.timeout(240)

ALICE, BOB = Markers.of(71), Markers.of(72)
PATIENCE = 60.0


@asynccontextmanager
async def private_system(backend: str) -> AsyncIterator[System]:
    """A system with a room `private`, in which nobody may learn anybody's address."""
    async with running_system(backend, spare=0) as system:
        async with Database.connect(system.database_url) as database:
            record = RoomRecord(RoomId("private"), RoomPolicy(relay_only=True), {})
            await RoomRecords(database).add(record, by="test", request=None)
        yield system


class Talker:
    """Speaks, and listens to whoever speaks; says its addresses wherever it can."""

    def __init__(self, client: Client, markers: Markers) -> None:
        self.client = client
        self._markers = markers
        self._publisher, self._subscriber = peer_connection(), peer_connection()

    async def speaks(self) -> None:
        """Until the media server's answer."""
        self._publisher.addTransceiver(AudioStreamTrack(), direction="sendonly")
        await self._publisher.setLocalDescription(await self._publisher.createOffer())
        track = {"id": f"t_{self.client.id[-8:]}", "mid": "0", "kind": "audio", "source": "microphone"}
        await self._describes("publisher", self._publisher, 1, tracks=[track])
        answer = await self.client.until(is_description("publisher"), PATIENCE)
        await self._publisher.setRemoteDescription(RTCSessionDescription(**answer["description"]))

    async def listens(self) -> None:
        """To somebody; until the media server has its answer and its candidates."""
        offer = await self.client.until(is_description("subscriber"), PATIENCE)
        await self._subscriber.setRemoteDescription(RTCSessionDescription(**offer["description"]))
        await self._subscriber.setLocalDescription(await self._subscriber.createAnswer())
        await self._describes("subscriber", self._subscriber, offer["negotiation"])

    async def _describes(self, pc: str, connection: RTCPeerConnection, negotiation: int, **more: object) -> None:
        local = connection.localDescription
        description = {"type": local.type, "sdp": self._markers.planted(local.sdp)}
        assert self._markers.found_in(description["sdp"])
        about = {"epoch": 1, "pc": pc, "negotiation": negotiation}
        await self.client.asks("description", **about, description=description, **more)
        for candidate in self._markers.candidates():
            text = {"candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0}
            await self.client.asks("candidate", **about, candidate=text)
        await self.client.asks("candidate", **about, candidate=None)

    async def close(self) -> None:
        await self._publisher.close()
        await self._subscriber.close()


def is_description(pc: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["type"] == "description" and event["pc"] == pc


@asynccontextmanager
async def talker(replica: Replica, name: str, markers: Markers) -> AsyncIterator[Talker]:
    async with connected(replica.ws_url) as client:
        await client.join(replica.token("private", name, name=name))
        talker = Talker(client, markers)
        try:
            yield talker
        finally:
            await talker.close()


async def test_no_byte_that_reaches_somebody_tells_an_address_of_somebody_else(backend: str) -> None:
    async with private_system(backend) as system:
        (replica,) = system.replicas
        async with talker(replica, "alice", ALICE) as alice, talker(replica, "bob", BOB) as bob:
            await alice.speaks()
            await bob.speaks()
            await alice.listens()
            await bob.listens()
            await alice.client.asks("leave")
            await bob.client.hears("participant.left", participant=alice.client.id)
            for markers, received in ((ALICE, bob.client.received), (BOB, alice.client.received)):
                assert len(received) > 2
                assert markers.found_in("\n".join(received)) == []


async def test_who_plays_by_http_is_told_no_address_either() -> None:
    async with private_system("mediasoup") as system, http() as asking:
        (replica,) = system.replicas
        async with talker(replica, "alice", ALICE) as alice, talker(replica, "bob", BOB) as bob:
            await alice.speaks()
            await bob.listens()  # so her track is known
            async with player(asking, replica.url, replica.token("private", "carol")) as carol:
                told = [carol.posted.text, *carol.posted.headers.values()]
        assert ALICE.found_in("\n".join(told)) == []


@pytest.mark.parametrize("form", [*forms(ALICE.host), *forms(ALICE.ipv6), ALICE.name])
def test_an_address_is_found_in_every_disguise(form: str) -> None:
    assert ALICE.found_in(f'{{"sdp": "x{form.upper()}x"}}')
    assert not BOB.found_in(form)
