"""Who and what the tests of the node RPC are about, and what they do first."""

from media_adapters.events import TrackStarted, TrackStopped
from media_adapters.models import (
    Incarnation,
    ParticipantId,
    PeerRef,
    PublishedTrack,
    PublisherOffer,
    RoomId,
    RoomRef,
    RoomSpec,
    TrackId,
    TrackKind,
    TrackSource,
)
from tests.support.agent import Replica

ROOM = RoomRef(room=RoomId("room"), incarnation=Incarnation("one"))
ALICE = PeerRef(room=ROOM, participant=ParticipantId("alice"), epoch=1)
BOB = PeerRef(room=ROOM, participant=ParticipantId("bob"), epoch=1)
CAMERA = PublishedTrack(id=TrackId("camera-1"), mid="0", kind=TrackKind.VIDEO, source=TrackSource.CAMERA)
OFFER = PublisherOffer(negotiation=1, sdp="v=0\r\noffer", tracks=(CAMERA,))


def started(peer: PeerRef) -> TrackStarted:
    return TrackStarted(peer=peer, track=CAMERA)


def stopped(peer: PeerRef) -> TrackStopped:
    return TrackStopped(peer=peer, track=CAMERA.id)


async def opened(replica: Replica, fence: int = 1) -> None:
    await replica.client.acting(fence=fence).open_room(ROOM, RoomSpec())


async def published(replica: Replica, peer: PeerRef) -> None:
    """The first generation publishes a camera and hears that it started."""
    await replica.client.acting(generation=1).publish(peer, OFFER)
    assert await replica.events.next() == started(peer)
