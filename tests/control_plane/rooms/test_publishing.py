"""What an offer may send."""

from typing import Any

import pytest

from control_plane.errors import ControlPlaneError
from control_plane.rooms.permissions import Permissions
from control_plane.rooms.publishing import check_offer
from media_adapters.models import PublishedTrack
from tests.support.offers import offer, sdp

LISTENER = Permissions.model_validate({"publish": ["microphone"]})


def tracks(fields: dict[str, Any], **changes: str) -> list[PublishedTrack]:
    return [PublishedTrack.model_validate({**track, **changes}) for track in fields["tracks"]]


def refused(description: str, published: list[PublishedTrack], permissions: Permissions = LISTENER) -> str:
    with pytest.raises(ControlPlaneError) as error:
        check_offer(permissions, description, published)
    return error.value.code


def test_what_is_allowed_passes_and_what_is_not_is_refused() -> None:
    microphone, camera = offer("microphone"), offer("camera")
    check_offer(LISTENER, microphone["description"]["sdp"], tracks(microphone))
    assert refused(camera["description"]["sdp"], tracks(camera)) == "not_allowed"


def test_a_picture_can_not_be_passed_off_as_a_microphone() -> None:
    camera = offer("camera")
    video = camera["description"]["sdp"]
    assert refused(video, tracks(camera, source="microphone")) == "invalid_description"
    assert refused(video, tracks(camera, source="microphone", kind="audio")) == "invalid_description"


def test_an_m_section_that_could_be_read_in_two_ways_is_refused() -> None:
    microphone = offer("microphone")
    one = microphone["description"]["sdp"]
    twice = one + sdp({"0": "video"}).partition("t=0 0\r\n")[2]
    two_mids = one.replace("a=mid:0", "a=mid:0\r\na=mid:1")
    assert refused(twice, tracks(microphone)) == "invalid_description"
    assert refused(two_mids, tracks(microphone)) == "invalid_description"


def test_a_track_that_was_allowed_when_it_began_does_not_cost_the_others_their_offer() -> None:
    both = offer("microphone", "camera")
    published = tracks(both)
    check_offer(LISTENER, both["description"]["sdp"], published, known={published[1].id})


def test_permissions_survive_lua_which_knows_no_empty_list() -> None:
    assert Permissions.model_validate({"publish": {}}) == Permissions(publish=())
