"""Forgetting what has served its time: bans and kicks that have run out, and keys that were refused long ago.

Each replica does it each hour; what one has deleted, another finds gone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import delete, func

from control_plane.access.models import ApiKeyRow, BanRow
from control_plane.clock import Clock
from control_plane.database import Database
from control_plane.errors import Unavailable

log = structlog.get_logger()

INTERVAL_S = 3600.0
BANS_KEPT = timedelta(days=30)
"""How long it can still be seen that somebody was kept out."""
KEYS_KEPT = timedelta(days=90)
"""How long a key is still listed after it was revoked or has expired."""


@dataclass(frozen=True, slots=True)
class Purged:
    bans: int
    keys: int


class Purge:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Now and each hour, until left."""
        loop = asyncio.create_task(self._forever())
        try:
            yield
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    async def once(self) -> Purged:
        """How much went. Raises `Unavailable`."""
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        over = delete(BanRow).where(BanRow.expires_at < now - BANS_KEPT)
        ended = func.coalesce(ApiKeyRow.revoked_at, ApiKeyRow.expires_at)
        dead = delete(ApiKeyRow).where(ended < now - KEYS_KEPT)
        async with self._database.transaction() as session:
            bans = (await session.execute(over.returning(BanRow.id))).all()
            keys = (await session.execute(dead.returning(ApiKeyRow.id))).all()
        return Purged(len(bans), len(keys))

    async def _forever(self) -> None:
        while True:
            try:
                purged = await self.once()
            except Unavailable:
                log.info("purge_put_off")
            else:
                log.info("purged", bans=purged.bans, keys=purged.keys)
            await asyncio.sleep(INTERVAL_S)
