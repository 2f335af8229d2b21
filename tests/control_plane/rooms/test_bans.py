"""Whom a kick or a ban concerns, and for how long."""

from control_plane.access.tokens import Grants, VerifiedToken
from control_plane.ids import Identity, ParticipantId, ReplicaId
from control_plane.rooms import bans
from control_plane.rooms.domain import Person, TokenRef

NOW = 1_800_000_000.0


def token(identity: str | None = "bob", name: str = "first", issued_at: float = NOW - 60) -> VerifiedToken:
    grants = Grants(room="demo", identity=Identity(identity) if identity else None)
    return VerifiedToken(grants=grants, id=name, issued_at=issued_at, expires_at=NOW + 3600)


def person(shown: VerifiedToken, identity: str = "bob") -> Person:
    guest = shown.grants.identity is None
    ref = TokenRef(id=shown.id, guest=guest, issued_at=shown.issued_at, expires_at=shown.expires_at)
    known = Identity(identity)
    return Person(id=ParticipantId("p_1"), identity=known, name="Bob", replica=ReplicaId("r"), token=ref)


def test_a_kick_closes_every_token_issued_until_then_and_none_after() -> None:
    kick = bans.kick(person(token()), NOW, "")
    assert kick.refuses(token())
    assert kick.refuses(token(name="second", issued_at=NOW))
    assert kick.removes(person(token(name="second")))
    later = token(name="third", issued_at=NOW + 6)
    assert not kick.refuses(later)
    assert not kick.removes(person(later))
    assert not kick.refuses(token("carol"))


def test_a_kick_outlives_the_token_that_was_shown() -> None:
    kick = bans.kick(person(token()), NOW, "")
    assert kick.holds(NOW + 3600)
    guest = bans.kick(person(token(None), "guest_1"), NOW, "")
    assert guest.holds(NOW + 3604)
    assert not guest.holds(NOW + 3700)


def test_a_ban_concerns_every_token_until_it_runs_out() -> None:
    ban = bans.ban(person(token()), NOW, "", 60)
    assert bans.of_token([ban], token(issued_at=NOW + 30), NOW + 30) == ban
    assert bans.of_token([ban], token(issued_at=NOW + 30), NOW + 61) is None
    for_good = bans.ban(person(token()), NOW, "", None)
    assert for_good.holds(NOW + 1e9)


def test_a_removed_guest_closes_their_token_and_removes_no_other_guest() -> None:
    one, two = person(token(None), "guest_1"), person(token(None), "guest_2")
    for made in (bans.kick(one, NOW, ""), bans.ban(one, NOW, "", None)):
        assert made.refuses(token(None))
        assert not made.refuses(token(None, name="another"))
        assert not made.removes(two)


def test_a_sentence_says_why_and_until_when() -> None:
    error = bans.ban(person(token()), NOW, "shouting", 60).sentence()
    assert error.code == "banned"
    assert error.message == "You are banned from this room until 2027-01-15 08:01 UTC. Reason: shouting"
