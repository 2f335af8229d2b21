"""What a publisher makes of Janus's news, without a Janus."""

from typing import cast

from media_adapters.events import ConnectionChanged, MediaEvent
from media_adapters.janus.client import JanusClient
from media_adapters.janus.publisher import Publisher
from media_adapters.janus.room import Room
from media_adapters.models import Incarnation, ParticipantId, PeerRef, RoomId, RoomRef

ROOM = RoomRef(room=RoomId("lobby"), incarnation=Incarnation("first"))
ALICE = PeerRef(room=ROOM, participant=ParticipantId("alice"), epoch=1)


def heard(*news: dict[str, object]) -> list[tuple[bool, bool]]:
    """The (connected, receiving) that others are told, one after another."""
    told: list[MediaEvent] = []
    room = Room(ROOM, told.append, on_destroyed=lambda _reason: None, admin_key="")
    publisher = Publisher(ALICE, room, cast("JanusClient", None), deadline=1, on_lost=lambda _reason: None)
    for message in news:
        publisher._on_event(message)
    return [(event.connected, event.receiving) for event in told if isinstance(event, ConnectionChanged)]


def media(receiving: bool, mid: str = "0", **fields: object) -> dict[str, object]:
    return {"janus": "media", "mid": mid, "receiving": receiving, **fields}


UP: dict[str, object] = {"janus": "webrtcup"}


def test_it_receives_while_one_section_does() -> None:
    news = (UP, media(True), media(True, "1"), media(False, "0"), media(False, "1"))
    assert heard(*news) == [(True, False), (True, True), (True, False)]


def test_a_simulcast_layer_that_ceases_does_not_make_it_silent() -> None:
    news = (UP, media(True), media(True, substream=1), media(False, substream=1))
    assert heard(*news) == [(True, False), (True, True)]


def test_a_hangup_ends_both() -> None:
    assert heard(UP, media(True), {"janus": "hangup", "reason": "ICE failed"})[-1] == (False, False)


def test_what_others_publish_is_no_news() -> None:
    assert heard({"janus": "event", "plugindata": {"data": {"videoroom": "event", "publishers": []}}}) == []
