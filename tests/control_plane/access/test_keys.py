"""API keys: what is let in, for how long, and what a stolen database tells."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect, select

from control_plane.access.errors import UnknownKey
from control_plane.access.keys import ApiKeys
from control_plane.access.models import ApiKeyRow
from control_plane.database import Database
from control_plane.http.errors import InvalidKey


class MovableClock:
    seconds = 1_800_000_000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def keys(database: Database, clock: MovableClock) -> ApiKeys:
    return ApiKeys(database, clock)


async def is_let_in(keys: ApiKeys, shown: str) -> bool:
    try:
        await keys.authenticate(shown)
    except InvalidKey:
        return False
    return True


async def test_a_key_is_let_in_until_it_is_revoked(keys: ApiKeys) -> None:
    key, shown = await keys.create("shop", "shop-")
    assert (await keys.authenticate(shown)).room_prefix == "shop-"
    await keys.revoke(key.id)
    assert not await is_let_in(keys, shown)
    with pytest.raises(UnknownKey):
        await keys.rotate(key.id, timedelta(days=1))


async def test_a_key_runs_out(keys: ApiKeys, clock: MovableClock) -> None:
    _, shown = await keys.create("trial", expires_in=timedelta(hours=1))
    clock.seconds += 3599
    assert await is_let_in(keys, shown)
    clock.seconds += 1
    assert not await is_let_in(keys, shown)


async def test_after_a_rotation_the_old_secret_holds_for_the_overlap_only(keys: ApiKeys, clock: MovableClock) -> None:
    key, old = await keys.create("shop")
    _, new = await keys.rotate(key.id, timedelta(hours=1))
    assert old != new
    assert await is_let_in(keys, old)
    assert await is_let_in(keys, new)
    clock.seconds += 3600
    assert not await is_let_in(keys, old)
    assert await is_let_in(keys, new)


async def test_a_leaked_secret_is_out_at_once_when_rotated_without_overlap(keys: ApiKeys) -> None:
    key, leaked = await keys.create("shop")
    await keys.rotate(key.id, timedelta(0))
    assert not await is_let_in(keys, leaked)


async def test_last_use_is_known_to_the_minute(keys: ApiKeys, clock: MovableClock) -> None:
    _, shown = await keys.create("shop")
    uses = []
    for step in (0, 59, 1):
        clock.seconds += step
        await keys.authenticate(shown)
        uses.append((await keys.list())[0].last_used_at)
    first = datetime.fromtimestamp(1_800_000_000, UTC)
    assert uses == [first, first, first + timedelta(minutes=1)]


async def test_the_database_holds_nothing_that_opens_a_door(keys: ApiKeys, database: Database) -> None:
    _, shown = await keys.create("shop")
    secret = shown.split("_", 2)[2]
    async with database.transaction() as session:
        row = (await session.scalars(select(ApiKeyRow))).one()
    columns = [getattr(row, column.key) for column in inspect(ApiKeyRow).column_attrs]
    assert not [value for value in columns if secret in str(value)]


@pytest.mark.parametrize("garbage", ["", "nv", "nv__", "nv_x_y", "nv_é_y", "nv_' OR 1=1_y", "nv_\0_y", "x" * 10_000])
async def test_what_is_no_key_is_refused(keys: ApiKeys, garbage: str) -> None:
    assert not await is_let_in(keys, garbage)


async def test_the_secret_of_one_key_does_not_open_another(keys: ApiKeys) -> None:
    one, shown = await keys.create("one")
    other, _ = await keys.create("other")
    assert not await is_let_in(keys, shown.replace(one.id, other.id))
