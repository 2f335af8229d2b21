"""Routes every command to the one Redis there is."""

from collections.abc import Callable

from control_plane.state.address import Address
from control_plane.state.connection import Arg, Reply, checked
from control_plane.state.link import Link


class Single:
    """A plain Redis, or a proxy that looks like one."""

    def __init__(self, address: Address, timeout: float, on_change: Callable[[], None]) -> None:
        self._address = address
        self._link = Link(address, timeout, on_change)

    @property
    def connected(self) -> bool:
        return self._link.connected

    async def start(self) -> None:
        await self._link.settled()

    async def close(self) -> None:
        await self._link.close()

    async def send(self, command: tuple[Arg, ...], key: Arg | None) -> Reply:  # noqa: ARG002 - one server has all keys
        return checked(await self._link.send(*command))

    def subscribe_at(self) -> Address:
        return self._address
