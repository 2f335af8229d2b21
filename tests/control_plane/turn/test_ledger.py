"""What one relay knows of itself."""

from control_plane.turn.ledger import ROOMS_KEPT, ROOMS_PER_BATCH, Ledger
from control_plane.turn.reports import RoomTraffic
from control_plane.turn.statistics import Closed, Opened, Relayed, Started

DAY = "2026-11-22"
ANN, BOB = "aaaaaaaaaaaa-111111111111", "aaaaaaaaaaaa-222222222222"


def test_traffic_of_a_rooms_people_is_told_together_and_once() -> None:
    ledger = Ledger()
    for person in (ANN, BOB):
        assert not ledger.take(Relayed(person, 100, 10))
    batch = ledger.batch(DAY)
    assert batch is not None
    assert batch.rooms == (RoomTraffic(tag="aaaaaaaaaaaa", received=200, sent=20),)
    assert ledger.batch(DAY) is None


def test_probes_are_no_rooms() -> None:
    ledger = Ledger()
    ledger.take(Relayed("probe", 100, 10))
    assert ledger.batch(DAY) is None


def test_batches_are_numbered_and_bounded() -> None:
    ledger = Ledger()
    for number in range(ROOMS_PER_BATCH + 1):
        ledger.take(Relayed(f"{number:012x}-111111111111", 1, 1))
    first, second = ledger.batch(DAY), ledger.batch(DAY)
    assert first is not None
    assert second is not None
    assert (first.number, len(first.rooms), second.number, len(second.rooms)) == (1, ROOMS_PER_BATCH, 2, 1)


def test_a_control_plane_that_is_away_for_long_costs_no_more_memory() -> None:
    ledger = Ledger()
    for number in range(ROOMS_KEPT + 10):
        ledger.take(Relayed(f"{number:012x}-111111111111", 1, 1))
    told = 0
    while (batch := ledger.batch(DAY)) is not None:
        told += len(batch.rooms)
    assert told == ROOMS_KEPT


def test_who_is_sent_away_loses_what_they_have_and_what_they_try_to_get() -> None:
    ledger = Ledger()
    ledger.take(Opened(ANN, "1"))
    ledger.take(Opened(ANN, "2"))
    ledger.take(Opened(BOB, "3"))
    ledger.take(Closed(ANN, "2"))
    assert ledger.keep_out([ANN], now=0, for_s=60) == {"1"}
    assert ledger.take(Opened(ANN, "4")) == {"4"}
    assert not ledger.take(Opened(BOB, "5"))


def test_who_is_out_is_forgotten_once_no_credential_of_theirs_is_valid() -> None:
    ledger = Ledger()
    ledger.keep_out([ANN], now=0, for_s=60)
    ledger.keep_out([], now=61, for_s=60)
    assert not ledger.take(Opened(ANN, "1"))


def test_sessions_of_a_coturn_that_died_are_not_taken_for_its_successors() -> None:
    ledger = Ledger()
    ledger.take(Opened(ANN, "1"))
    ledger.take(Started())
    assert not ledger.keep_out([ANN], now=0, for_s=60)
