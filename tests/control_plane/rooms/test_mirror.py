"""The replica's copy of a room, and what each viewer is told of it."""

import json
from typing import Any

import pytest

from control_plane.ids import Incarnation, ReplicaId, RoomId
from control_plane.rooms import views
from control_plane.rooms.domain import DELTA, Delta, RoomState
from control_plane.rooms.mirror import Gap, Mirror


def person(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": f"p_{name}", "identity": name, "name": name, "replica": "r", **fields}


def track(owner: str, name: str = "t_camera1", **fields: Any) -> dict[str, Any]:
    return {"id": name, "participant": f"p_{owner}", "kind": "video", "source": "camera", **fields}


def delta(version: int, *changes: dict[str, Any], incarnation: str = "i") -> Delta:
    return DELTA.validate_python(
        {"room": "demo", "incarnation": incarnation, "version": version, "changes": list(changes)}
    )


@pytest.fixture
def mirror() -> Mirror:
    return Mirror(
        RoomState(
            room=RoomId("demo"), incarnation=Incarnation("i"), version=3, created_at=1, fence=1,
            driver=ReplicaId("r"), people={}, tracks={}, legs={}, chat=(),
        )
    )  # fmt: skip


def told(mirror: Mirror, step: Delta, viewer: str) -> list[str]:
    before = mirror.state
    changes = mirror.apply(step)
    bodies = views.EventBodies(before, mirror.state, changes).bodies(viewer)  # type: ignore[arg-type]
    return [json.loads(body)["type"] for body in bodies]


def test_a_missing_delta_is_noticed(mirror: Mirror) -> None:
    mirror.apply(delta(4, {"op": "person", "person": person("ann")}))
    with pytest.raises(Gap):
        mirror.apply(delta(6, {"op": "person_gone", "id": "p_ann", "reason": "left"}))
    assert mirror.state.version == 4


def test_another_incarnation_is_noticed(mirror: Mirror) -> None:
    with pytest.raises(Gap):
        mirror.apply(delta(4, incarnation="other"))


def test_an_old_delta_changes_nothing(mirror: Mirror) -> None:
    assert not mirror.apply(delta(3, {"op": "person", "person": person("ann")}))
    assert not mirror.state.people


def test_an_older_snapshot_of_the_same_incarnation_is_not_taken(mirror: Mirror) -> None:
    assert not mirror.replace(mirror.state.model_copy(update={"version": 2}))
    assert mirror.replace(mirror.state.model_copy(update={"version": 1, "incarnation": "newer"}))


def test_events_name_what_happened(mirror: Mirror) -> None:
    ann = person("ann")
    assert told(mirror, delta(4, {"op": "person", "person": ann}), "p_bob") == ["participant.joined"]
    assert told(mirror, delta(5, {"op": "track", "track": track("ann")}), "p_bob") == ["track.published"]
    assert told(mirror, delta(6, {"op": "track", "track": track("ann", muted=True)}), "p_bob") == ["track.updated"]
    away = person("ann", connected=False, gone_at=5)
    assert told(mirror, delta(7, {"op": "person", "person": away}), "p_bob") == ["participant.updated"]
    gone = delta(
        8,
        {"op": "track_gone", "id": "t_camera1", "participant": "p_ann"},
        {"op": "person_gone", "id": "p_ann", "reason": "left"},
    )
    assert told(mirror, gone, "p_bob") == ["track.ended", "participant.left"]


def test_what_only_the_server_cares_for_is_told_nobody(mirror: Mirror) -> None:
    told(mirror, delta(4, {"op": "person", "person": person("ann")}), "p_bob")
    moved = delta(5, {"op": "person", "person": person("ann", epoch=2, generation=3, replica="other")})
    assert told(mirror, moved, "p_bob") == []


def test_hidden_people_are_seen_by_themselves_only(mirror: Mirror) -> None:
    joined = delta(4, {"op": "person", "person": person("spy", permissions={"hidden": True})})
    assert told(mirror, joined, "p_bob") == []
    published = delta(5, {"op": "track", "track": track("spy")})
    assert told(mirror, published, "p_bob") == []
    assert views.snapshot(mirror.state, "p_bob").participants == ()  # type: ignore[arg-type]
    assert views.snapshot(mirror.state, "p_bob").tracks == ()  # type: ignore[arg-type]
    own = views.snapshot(mirror.state, "p_spy")  # type: ignore[arg-type]
    assert (len(own.participants), len(own.tracks)) == (1, 1)
    left = delta(6, {"op": "track_gone", "id": "t_camera1", "participant": "p_spy"},
                 {"op": "person_gone", "id": "p_spy", "reason": "left"})  # fmt: skip
    assert told(mirror, left, "p_bob") == []


def test_nothing_of_the_server_s_own_reaches_a_client(mirror: Mirror) -> None:
    mirror.apply(delta(4, {"op": "person", "person": person("ann", leg="l_1", epoch=1, topology="sfu")}))
    seen = views.snapshot(mirror.state, "p_ann").model_dump_json()  # type: ignore[arg-type]
    assert "l_1" not in seen
    assert "replica" not in seen
