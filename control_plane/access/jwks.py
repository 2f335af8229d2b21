"""Keys of issuers over HTTP: fetched once, kept, and read again when a token names a key that is not among them.

A host that is away does no harm to who has been here before: keys that are known go on for a day.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

import aiohttp
import structlog

from control_plane.access.errors import IssuerUnreachable
from control_plane.access.issuers import Issuer, jwks_location
from control_plane.access.public_keys import PublicKeys, read_keys
from control_plane.clock import Clock

log = structlog.get_logger()

FRESH_S = 600.0
STALE_S = 24 * 3600.0
RETRY_S = 5.0
UNKNOWN_KEY_S = 30.0
"""How often, at most, a token that names an unknown key leads to a look."""
TIMEOUT_S = 5.0
MAX_BYTES = 256 * 1024
MAX_ISSUERS = 1000


class _Unusable(Exception):
    """What the host answered is no key set."""


@dataclass(slots=True)
class _Kept:
    """Times are monotonic seconds."""

    keys: PublicKeys | None = None
    read_at: float = 0.0
    tried_at: float = float("-inf")
    fetching: asyncio.Task[None] | None = field(default=None, repr=False)


class IssuerKeys:
    def __init__(self, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    @classmethod
    @asynccontextmanager
    async def open(cls, clock: Clock) -> AsyncIterator[Self]:
        limits = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=limits, cookie_jar=aiohttp.DummyCookieJar()) as session:
            keys = cls(session, clock)
            try:
                yield keys
            finally:
                tasks = [kept.fetching for kept in keys._kept.values() if kept.fetching]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def of(self, issuer: Issuer, key_id: str | None) -> PublicKeys:
        """What verifies the issuer's tokens; the same object for as long as nothing changes.

        Raises `IssuerUnreachable` when nothing is known of them.
        """
        kept = self._entry(issuer)
        if issuer.jwks is not None:
            kept.keys = kept.keys or read_keys(issuer.jwks)
            return kept.keys
        age, waited = self._clock.monotonic() - kept.read_at, self._clock.monotonic() - kept.tried_at
        if kept.keys is None or age > STALE_S:
            if kept.fetching or waited >= RETRY_S:
                await self._fetched(issuer, kept)
            if kept.keys is None or self._clock.monotonic() - kept.read_at > STALE_S:
                raise IssuerUnreachable(
                    "The keys of this token's issuer can't be read now.", retry_after_ms=int(RETRY_S * 1000)
                )
        elif key_id is not None and not kept.keys.names(key_id) and waited >= UNKNOWN_KEY_S:
            await self._fetched(issuer, kept)
        elif age > FRESH_S and waited >= RETRY_S:
            self._start(issuer, kept)
        return kept.keys

    def _entry(self, issuer: Issuer) -> _Kept:
        place = (issuer.name, issuer.jwks_url or issuer.jwks or "")
        kept = self._kept.setdefault(place, _Kept())
        self._kept.move_to_end(place)
        if len(self._kept) > MAX_ISSUERS:
            _, oldest = self._kept.popitem(last=False)
            if oldest.fetching:
                oldest.fetching.cancel()
        return kept

    async def _fetched(self, issuer: Issuer, kept: _Kept) -> None:
        """Fetch, together with whoever waits for it already."""
        await asyncio.wait({self._start(issuer, kept)})

    def _start(self, issuer: Issuer, kept: _Kept) -> asyncio.Task[None]:
        if kept.fetching is None:
            kept.tried_at = self._clock.monotonic()
            kept.fetching = asyncio.create_task(self._refresh(issuer, kept))
        return kept.fetching

    async def _refresh(self, issuer: Issuer, kept: _Kept) -> None:
        try:
            keys = await self._fetch(issuer.jwks_url or "")
        except (aiohttp.ClientError, TimeoutError, ValueError, _Unusable) as error:
            log.warning("issuer_keys_unreadable", issuer=issuer.name, kind=type(error).__name__)
        else:
            kept.keys = kept.keys if kept.keys is not None and kept.keys.text == keys.text else keys
            kept.read_at = self._clock.monotonic()
        finally:
            kept.fetching = None

    async def _fetch(self, address: str) -> PublicKeys:
        """Redirects are not followed: they could lead anywhere, and keys have one place."""
        async with self._session.get(jwks_location(address), allow_redirects=False) as response:
            if response.status != 200:
                raise _Unusable
            body = bytearray()
            async for chunk in response.content.iter_chunked(16 * 1024):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise _Unusable
        return read_keys(body.decode())
