"""What rooms relayed is counted once, and whom relays are to cut is told to each of them."""

from pathlib import Path

import pytest

from control_plane.ids import Incarnation, ParticipantId, RoomId
from control_plane.state import Redis
from control_plane.turn import cuts
from control_plane.turn.credentials import OpaqueIds
from control_plane.turn.cuts import TurnCuts
from control_plane.turn.models import TurnServer
from control_plane.turn.reports import Batch, RoomTraffic
from control_plane.turn.secrets import SecretsFile
from control_plane.turn.service import TurnRelays
from control_plane.turn.usage import KEPT_DAYS, Traffic, TurnUsage, today
from media_adapters.models import RoomRef
from tests.support.clock import MovableClock
from tests.support.turn import share_a_secret

NOW = MovableClock().now()
TODAY, TAG, RUN = today(NOW), "aaaaaaaaaaaa", "0123456789abcdef"
ROOM = RoomRef(room=RoomId("wedding"), incarnation=Incarnation("i_1"))


def batch(number: int, received: int, sent: int, day: str = TODAY, tag: str = TAG) -> Batch:
    return Batch(number=number, day=day, rooms=(RoomTraffic.of(tag, received, sent),))


async def test_a_batch_counts_once_however_often_it_is_told(redis: Redis) -> None:
    usage = TurnUsage(redis)
    for told in (batch(1, 100, 10), batch(1, 100, 10), batch(2, 5, 1), batch(1, 100, 10)):
        assert await usage.count(RUN, told, NOW)
    assert await usage.of(TAG, NOW) == [Traffic(TODAY, 105, 11)]


async def test_relays_and_their_next_runs_are_added_up(redis: Redis) -> None:
    usage = TurnUsage(redis)
    for run in (RUN, "ffffffffffffffff"):
        await usage.count(run, batch(1, 100, 10), NOW)
    await usage.count(RUN, batch(2, 7, 7, tag="bbbbbbbbbbbb"), NOW)
    assert await usage.of(TAG, NOW) == [Traffic(TODAY, 200, 20)]


async def test_days_are_kept_apart_and_end(redis: Redis) -> None:
    usage, day_s = TurnUsage(redis), 24 * 3600
    yesterday = today(NOW - day_s)
    await usage.count(RUN, batch(1, 1, 1, yesterday), NOW)
    await usage.count(RUN, batch(2, 2, 2), NOW)
    assert await usage.of(TAG, NOW) == [Traffic(yesterday, 1, 1), Traffic(TODAY, 2, 2)]
    assert await usage.of(TAG, NOW, last=1) == [Traffic(TODAY, 2, 2)]
    assert not await usage.count(RUN, batch(3, 1, 1, today(NOW - (KEPT_DAYS + 1) * day_s)), NOW)


def test_every_byte_costs_once() -> None:
    assert Traffic(TODAY, 1_500_000_000, 500_000_000).cost(0.05) == pytest.approx(0.10)


@pytest.fixture
def relays(tmp_path: Path) -> TurnRelays:
    share_a_secret(tmp_path / "secrets")
    server = TurnServer(id="t1", host="127.0.0.1", udp=3478)
    return TurnRelays((server,), SecretsFile(tmp_path / "secrets"), OpaqueIds("k" * 32), 60, MovableClock())


async def cut(told: TurnCuts, *people: str) -> None:
    for person in people:
        told.cut(ROOM, ParticipantId(person))
        await told.drain()


async def test_a_relay_hears_whom_to_cut_and_a_new_one_hears_all_that_still_matters(
    redis: Redis, relays: TurnRelays
) -> None:
    told = TurnCuts(redis, relays)
    before = await told.since(0)
    assert before.cut == ()
    await cut(told, "ann", "bob")
    after = await told.since(before.cursor)
    assert set(after.cut) == {relays.opaque.of(ROOM, ParticipantId(person)) for person in ("ann", "bob")}
    assert after.for_s == 60
    assert set((await told.since(0)).cut) == set(after.cut)


async def test_a_relay_that_is_far_behind_hears_everybody_page_by_page(
    redis: Redis, relays: TurnRelays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuts, "PAGE", 20)
    told = TurnCuts(redis, relays)
    people = [f"p{number}" for number in range(50)]
    await cut(told, *people)
    heard: set[str] = set()
    cursor = 0
    while len(heard) < len(people):
        orders = await told.since(cursor)
        assert orders.cursor >= cursor
        heard |= set(orders.cut)
        cursor = orders.cursor


async def test_without_relays_nobody_is_told_anything(redis: Redis) -> None:
    told = TurnCuts(redis, TurnRelays((), None, OpaqueIds("k" * 32), 60, MovableClock()))
    await cut(told, "ann")
    assert (await told.since(0)).cut == ()
