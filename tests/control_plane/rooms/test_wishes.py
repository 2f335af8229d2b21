from typing import Any

from control_plane.ids import TrackId
from control_plane.rooms.wishes import Wishes
from control_plane.signaling.messages import Subscribe
from media_adapters.models import SimulcastLayer, Subscription

CAT, DOG = TrackId("cat-track"), TrackId("dog-track")


def wishes(**fields: Any) -> Wishes:
    return Wishes.of(Subscribe.model_validate({"type": "subscribe", **fields}))


def test_who_says_nothing_or_null_receives_everything_in_its_best_layer() -> None:
    everything = (Subscription(track=CAT), Subscription(track=DOG))
    assert Wishes().among([CAT, DOG]) == everything
    assert wishes(tracks=None).among([CAT, DOG]) == everything


def test_a_list_is_the_whole_set_of_what_is_there() -> None:
    listed = wishes(tracks=[{"track": DOG, "layer": "low"}, {"track": "gone-track"}])
    assert listed.among([CAT, DOG]) == (Subscription(track=DOG, layer=SimulcastLayer.LOW),)
    assert wishes(tracks=[]).among([CAT, DOG]) == ()


def test_with_others_a_list_names_the_exceptions_only() -> None:
    listed = wishes(tracks=[{"track": DOG, "paused": True}], others="medium")
    assert listed.among([CAT, DOG]) == (
        Subscription(track=CAT, layer=SimulcastLayer.MEDIUM),
        Subscription(track=DOG, paused=True),
    )


def test_null_is_everything_whatever_is_said_of_others() -> None:
    assert wishes(tracks=None, others=None).among([CAT]) == (Subscription(track=CAT),)
