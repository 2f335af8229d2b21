"""Which TURN servers somebody is given."""

from collections import Counter

from control_plane.turn.models import TurnServer, TurnTransport
from control_plane.turn.policy import choose

UDP, TCP, TLS = TurnTransport


def server(name: str, region: str = "eu", weight: float = 1) -> TurnServer:
    return TurnServer(id=name, host=f"{name}.example.org", region=region, weight=weight, udp=3478, tcp=3478, tls=5349)


def test_the_region_comes_first_and_another_region_is_the_reserve() -> None:
    servers = [server("us1", "us"), server("eu1")]
    assert [choice.server.id for choice in choose(servers, {}, "anybody", "eu")] == ["eu1", "us1"]


def test_a_server_that_does_not_answer_is_given_to_nobody() -> None:
    servers = [server("eu1"), server("eu2"), server("us1", "us")]
    usable = {"eu1": frozenset[TurnTransport]()}
    assert [choice.server.id for choice in choose(servers, usable, "anybody", "eu")] == ["eu2", "us1"]


def test_only_transports_that_answer_are_given() -> None:
    (choice,) = choose([server("eu1")], {"eu1": frozenset({TCP, TLS})}, "anybody", "eu")
    assert choice.transports == (TCP, TLS)


def test_when_none_answers_the_fault_may_be_ours() -> None:
    usable = {"eu1": frozenset[TurnTransport](), "eu2": frozenset[TurnTransport]()}
    assert len(choose([server("eu1"), server("eu2")], usable, "anybody", "eu")) == 2


def test_a_region_without_servers_is_served_by_the_others() -> None:
    assert len(choose([server("eu1")], {}, "anybody", "moon")) == 1


def test_people_spread_by_weight_and_keep_their_server() -> None:
    servers = [server("big", weight=3), server("small")]
    people = [f"person-{number}" for number in range(2000)]
    first = Counter(choose(servers, {}, person, "eu")[0].server.id for person in people)
    assert 0.70 < first["big"] / len(people) < 0.80
    without = choose([servers[0], server("new")], {}, "person-1", "eu")
    assert without == choose([servers[0], server("new")], {}, "person-1", "eu")


def test_a_new_server_moves_only_those_who_become_its_own() -> None:
    before, after = [server("one"), server("two")], [server("one"), server("two"), server("three")]
    for number in range(500):
        old = choose(before, {}, f"p{number}", "eu")[0].server.id
        new = choose(after, {}, f"p{number}", "eu")[0].server.id
        assert new in {old, "three"}
