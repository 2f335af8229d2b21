"""The clock of a replica's rooms: every second it looks after them, and at once when something tells it to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import structlog

from control_plane.errors import Unavailable
from control_plane.rooms.driver import Driver
from control_plane.rooms.hub import RoomHub
from control_plane.rooms.ice import IceRefresh
from control_plane.rooms.media import MediaPlane
from control_plane.rooms.owed import Owed
from control_plane.state.liveness import Liveness

log = structlog.get_logger()

INTERVAL_S = 1.0


class Tender:
    def __init__(
        self, *, hub: RoomHub, driver: Driver, media: MediaPlane, ice: IceRefresh, liveness: Liveness, owed: Owed
    ) -> None:
        self._hub = hub
        self._driver = driver
        self._media = media
        self._ice = ice
        self._liveness = liveness
        self._owed = owed
        self._now = asyncio.Event()
        self._loops: tuple[asyncio.Task[None], ...] = ()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, hub: RoomHub, driver: Driver, media: MediaPlane, ice: IceRefresh, liveness: Liveness, owed: Owed
    ) -> AsyncIterator[Self]:
        """Tend until left."""
        tender = cls(hub=hub, driver=driver, media=media, ice=ice, liveness=liveness, owed=owed)
        tender._loops = (asyncio.create_task(tender._tend_forever()), asyncio.create_task(tender._keep_forever()))
        try:
            yield tender
        finally:
            for loop in tender._loops:
                loop.cancel()
            await asyncio.gather(*tender._loops, return_exceptions=True)

    @property
    def running(self) -> bool:
        """False when a fault of ours has ended what `start` began."""
        return not any(loop.done() for loop in self._loops)

    def hurry(self) -> None:
        """Look after the rooms now: Redis is back, or a node was lost."""
        self._now.set()

    async def _tend_forever(self) -> None:
        while True:
            await self._tend()
            try:
                async with asyncio.timeout(INTERVAL_S):
                    await self._now.wait()
            except TimeoutError:
                pass
            self._now.clear()

    async def _tend(self) -> None:
        try:
            self._driver.presence.observe(await self._liveness.alive())
        except Unavailable:
            self._driver.presence.observe(None)
        await self._owed.settle()
        await self._hub.tend(self._driver.drive)
        for local in self._hub:
            self._media.reconcile(local.members.values())
            self._ice.look(local.members.values())

    async def _keep_forever(self) -> None:
        """Apart from tending: leases on the nodes are renewed also while Redis does not answer."""
        while True:
            await self._driver.keep()
            await asyncio.sleep(INTERVAL_S)
