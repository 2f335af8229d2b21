"""Routes each command to the master of its key's slot, and keeps the map of slots right.

https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import hiredis
import structlog
from redis.crc import key_slot

from control_plane.state.address import Address
from control_plane.state.connection import Arg, Reply, checked, open_connection
from control_plane.state.errors import unavailable
from control_plane.state.link import CONNECT_ERRORS, Backoff, Link

log = structlog.get_logger()

SLOTS = 16_384
_MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class SlotRange:
    """Slots `first` to `last`, inclusive, and who has them: the master, then its replicas."""

    first: int
    last: int
    servers: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """`MOVED`: the slot lives there from now on. `ASK`: this one key may be there already, while the slot moves."""

    slot: int
    to: Address
    ask: bool

    @classmethod
    def parse(cls, reply: Reply, asked: Address) -> "Redirect | None":
        if not isinstance(reply, hiredis.ReplyError):
            return None
        kind, *rest = str(reply).split(" ")
        if kind not in ("MOVED", "ASK"):
            return None
        host, _, port = rest[1].rpartition(":")
        return cls(int(rest[0]), asked.at(host or asked.host, int(port)), kind == "ASK")


class Cluster:
    """One link for each master. A command for a master that is away fails at once; others go on."""

    def __init__(self, seed: Address, timeout: float, on_change: Callable[[], None]) -> None:
        self._seed = seed
        self._timeout = timeout
        self._on_change = on_change
        self._links: dict[Address, Link] = {}
        self._owners: list[Link | None] = [None] * SLOTS
        self._replicas: tuple[Address, ...] = ()
        self._turn = itertools.count()
        self._doubt = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether every slot has a master that is connected."""
        return None not in self._owners and all(link.connected for link in self._links.values())

    async def start(self) -> None:
        await self._refresh()
        await asyncio.gather(*(link.settled() for link in self._links.values()))
        self._keeper = asyncio.create_task(self._keep_map(), name="redis cluster map")

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await asyncio.gather(*(link.close() for link in self._links.values()))

    async def send(self, command: tuple[Arg, ...], key: Arg | None) -> Reply:
        """Send to the master of `key`, or to any when there is none, and follow redirects."""
        link = self._owner(key)
        asking = False
        for _ in range(_MOST_REDIRECTS):
            if asking:
                link.send("ASKING").cancel()  # its reply tells nothing
            reply = await link.send(*command)
            redirect = Redirect.parse(reply, link.address)
            if redirect is None:
                return checked(reply)
            link, asking = await self._follow(redirect), redirect.ask
        raise unavailable()

    def subscribe_at(self) -> Address:
        """Any master will do: messages reach every server of a cluster. The next call names another."""
        masters = [address for address, link in self._links.items() if link.connected] or [self._seed]
        return masters[next(self._turn) % len(masters)]

    def _owner(self, key: Arg | None) -> Link:
        if key is None:
            link = next((link for link in self._links.values() if link.connected), None)
        else:
            link = self._owners[key_slot(key if isinstance(key, bytes) else str(key).encode())]
        if link is None:
            raise unavailable()
        return link

    async def _follow(self, redirect: Redirect) -> Link:
        link = self._link_to(redirect.to)
        if not redirect.ask:
            self._owners[redirect.slot] = link
            self._doubt.set()
        await link.settled()
        return link

    def _link_to(self, address: Address) -> Link:
        link = self._links.get(address)
        if link is None:
            link = self._links[address] = Link(address, self._timeout, self._link_changed)
        return link

    def _link_changed(self) -> None:
        self._on_change()
        if not self.connected:
            self._doubt.set()

    async def _keep_map(self) -> None:
        """Ask for the map anew whenever it is in doubt, until it is whole and every master answers."""
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            await self._settle_map()

    async def _settle_map(self) -> None:
        backoff = Backoff()
        while not (await self._refresh() and self.connected):  # noqa: ASYNC110 - other servers change it: we must ask
            await asyncio.sleep(backoff.next(0))

    async def _refresh(self) -> bool:
        """Take the map from the first server that tells a whole one. False when none does."""
        for address in dict.fromkeys((*self._links, *self._replicas, self._seed)):
            try:
                ranges = await fetch_slots(address, self._timeout)
            except CONNECT_ERRORS:
                continue
            if sum(each.last - each.first + 1 for each in ranges) == SLOTS:
                await self._apply(ranges)
                return True
        return False

    async def _apply(self, ranges: Iterable[SlotRange]) -> None:
        masters: set[Address] = set()
        replicas: list[Address] = []
        for each in ranges:
            master, *others = each.servers
            masters.add(master)
            replicas.extend(others)
            link = self._link_to(master)
            self._owners[each.first : each.last + 1] = [link] * (each.last - each.first + 1)
        self._replicas = tuple(dict.fromkeys(replicas))
        retired = [self._links.pop(address) for address in set(self._links) - masters]
        await asyncio.gather(*(link.close() for link in retired))
        if retired:
            log.info("redis_masters_changed", masters=len(masters))
        self._on_change()


async def fetch_slots(address: Address, timeout: float) -> list[SlotRange]:
    """The map of slots as the server at `address` sees it. Raises as `open_connection`."""
    connection = await open_connection(address, timeout)
    try:
        reply = await connection.call("CLUSTER", "SLOTS")
    finally:
        connection.close()
        await connection.closed
    return [
        SlotRange(first, last, tuple(_server(address, host, port) for host, port, *_ in servers))
        for first, last, *servers in reply
    ]


def _server(asked: Address, host: bytes | None, port: int) -> Address:
    """A server that does not know its own name is where we asked."""
    return asked.at(host.decode() if host else asked.host, port)
