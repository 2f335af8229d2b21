from media_adapters.common.plan import Changes, Line, Source, changes
from media_adapters.janus.plan import lines_of, update
from media_adapters.models import (
    Incarnation,
    ParticipantId,
    PeerRef,
    PublishedTrack,
    RoomId,
    RoomRef,
    SimulcastLayer,
    Subscription,
    TrackId,
    TrackKind,
    TrackSource,
)

HIGH, MEDIUM, LOW = SimulcastLayer.HIGH, SimulcastLayer.MEDIUM, SimulcastLayer.LOW
ALICE = PeerRef(
    room=RoomRef(room=RoomId("r"), incarnation=Incarnation("1")), participant=ParticipantId("alice"), epoch=1
)


def track_id(name: str) -> TrackId:
    return TrackId(f"{name}-track")


def source(name: str, key: str = "1", *, simulcast: bool = False) -> Source:
    track = PublishedTrack(
        id=track_id(name), mid="0", kind=TrackKind.VIDEO, source=TrackSource.CAMERA, simulcast=simulcast
    )
    return Source(ALICE, track, feed="feed", mid="0", key=key)


def plan(lines: list[Line], wanted: dict[str, SimulcastLayer], here: list[Source]) -> Changes:
    current = {one.track.id: one for one in here}
    wishes = [Subscription(track=track_id(name), layer=layer) for name, layer in wanted.items()]
    return changes(lines, {wish.track: wish for wish in wishes}, current.get)


def test_what_is_wanted_and_here_is_subscribed_to_once() -> None:
    cat = source("cat")
    assert plan([], {"cat": HIGH, "dog": HIGH}, [cat]).subscribe == ((cat, HIGH),)
    assert plan([Line("0", cat, HIGH)], {"cat": HIGH}, [cat]) == Changes()


def test_what_is_not_wanted_or_not_here_any_more_is_given_up() -> None:
    cat, dog = source("cat"), source("dog", "2")
    lines = [Line("0", cat, HIGH), Line("1", dog, HIGH)]
    assert plan(lines, {"cat": HIGH}, [cat, dog]).unsubscribe == ("1",)
    assert plan(lines, {"cat": HIGH, "dog": HIGH}, [dog]).unsubscribe == ("0",)


def test_a_track_that_ended_and_started_again_is_subscribed_to_anew() -> None:
    before, after = source("cat", "1"), source("cat", "2")
    todo = plan([Line("0", before, HIGH)], {"cat": HIGH}, [after])
    assert (todo.unsubscribe, todo.subscribe) == (("0",), ((after, HIGH),))
    assert update(todo) == {
        "request": "update",
        "unsubscribe": [{"sub_mid": "0"}],
        "subscribe": [{"feed": "feed", "mid": "0", "crossrefid": "2"}],
    }


def test_a_section_that_janus_sends_twice_is_given_up_once() -> None:
    cat = source("cat")
    assert plan([Line("0", cat, HIGH), Line("1", cat, HIGH)], {"cat": HIGH}, [cat]).unsubscribe == ("0",)


def test_only_a_simulcast_track_has_layers_to_choose() -> None:
    cat, dog = source("cat", simulcast=True), source("dog", "2")
    lines = [Line("0", cat, HIGH), Line("1", dog, HIGH)]
    todo = plan(lines, {"cat": LOW, "dog": LOW}, [cat, dog])
    assert todo.layers == (("0", LOW),)
    assert not todo.offers
    assert plan([Line("0", cat, None)], {"cat": HIGH}, [cat]).layers == (("0", HIGH),)


def test_what_is_paused_and_goes_on_needs_no_offer() -> None:
    cat = source("cat")
    for before, after in ((False, True), (True, False)):
        wanted = {cat.track.id: Subscription(track=cat.track.id, paused=after)}
        todo = changes([Line("0", cat, HIGH, paused=before)], wanted, {cat.track.id: cat}.get)
        assert todo == Changes(pauses=(("0", after),))
        assert not todo.offers


def test_the_layer_goes_with_a_new_subscription_by_janus_numbers() -> None:
    cat = source("cat", simulcast=True)
    for layer, number in ((HIGH, 2), (MEDIUM, 1), (LOW, 0)):
        (entry,) = update(plan([], {"cat": layer}, [cat]))["subscribe"]
        assert entry["substream"] == number


def test_lines_are_what_janus_says_it_sends() -> None:
    cat, dog = source("cat", "1", simulcast=True), source("dog", "2")
    summary = [
        {"mid": "0", "active": True, "crossrefid": "1"},
        {"mid": "1", "active": False, "crossrefid": "2"},
        {"mid": "2", "active": True, "crossrefid": "2"},
        {"mid": "3", "active": True},
    ]
    lines = lines_of(summary, [Line("7", cat, LOW, paused=True)], Changes(subscribe=((dog, MEDIUM),)))
    assert lines == (Line("0", cat, LOW, paused=True), Line("2", dog, MEDIUM))
