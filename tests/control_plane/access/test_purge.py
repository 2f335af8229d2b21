"""What is forgotten, and when."""

import asyncio
from datetime import timedelta

from control_plane.access.keys import ApiKeys
from control_plane.access.purge import BANS_KEPT, KEYS_KEPT, Purge, Purged
from control_plane.database import Database
from control_plane.ids import Identity, RoomId
from control_plane.rooms.ban_table import BanTable
from control_plane.rooms.bans import Ban
from tests.support.clock import MovableClock

DEMO = RoomId("demo")
A_DAY = timedelta(days=1).total_seconds()


async def test_bans_are_forgotten_a_while_after_they_have_run_out_and_those_for_good_never(database: Database) -> None:
    clock, table = MovableClock(), BanTable(database)
    for name, expires_at in (("soon", clock.now() + A_DAY), ("for good", None)):
        await table.add(DEMO, Ban(id=name, identity=Identity(name), expires_at=expires_at), by="operator")
    purge = Purge(database, clock)
    assert await purge.once() == Purged(bans=0, keys=0)
    clock.forward(A_DAY + BANS_KEPT.total_seconds() + 1)
    done = await asyncio.gather(*(Purge(database, clock).once() for _ in range(3)))
    assert sorted(each.bans for each in done) == [0, 0, 1]
    assert await table.get(DEMO, "soon") is None
    assert await table.get(DEMO, "for good") is not None


async def test_keys_are_forgotten_a_while_after_they_were_refused(database: Database) -> None:
    clock = MovableClock()
    keys = ApiKeys(database, clock)
    revoked, _ = await keys.create("revoked")
    await keys.create("expiring", expires_in=timedelta(days=1))
    await keys.create("used")
    await keys.revoke(revoked.id)
    clock.forward(KEYS_KEPT.total_seconds() + 1)
    assert (await Purge(database, clock).once()).keys == 1
    assert {key.name for key in await keys.list()} == {"expiring", "used"}
    clock.forward(A_DAY)
    assert (await Purge(database, clock).once()).keys == 1
    assert [key.name for key in await keys.list()] == ["used"]
