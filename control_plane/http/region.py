"""In which region a caller is, as far as its address tells. The address itself is looked at here and kept nowhere."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import maxminddb
from aiohttp import web

from control_plane.settings import GeoSettings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Locate = Callable[[web.Request], str | None]


def nowhere(_: web.Request) -> str | None:
    """Nobody knows where anybody is."""
    return None


def client_address(peer: str | None, forwarded: Iterable[str], trusted: Sequence[Network]) -> Address | None:
    """Who asks: `peer`, or what the trusted proxies say whom they ask for. `forwarded` are the X-Forwarded-For headers
    in their order; in them, each proxy adds whom it was asked by at the end. None when it can't be known."""
    address = _parsed(peer)
    named = [part for header in forwarded for part in header.split(",")]
    while address is not None and named and any(address in network for network in trusted):
        address = _parsed(named.pop().strip())
    return address


def _parsed(text: str | None) -> Address | None:
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class GeoRegions:
    """Regions by a file in MaxMind's format that knows countries, as GeoLite2-Country does."""

    def __init__(self, settings: GeoSettings) -> None:
        """Raises `ValueError` with a sentence when the file can't be used."""
        self._countries, self._continents = settings.geoip_countries, settings.geoip_continents
        self._trusted = settings.trusted_proxies
        try:
            self._database = maxminddb.open_database(str(settings.geoip_file))
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            raise ValueError(f"NEXUSVIBE_GEOIP_FILE, {settings.geoip_file}, can't be read: {error}.") from error

    def locate(self, request: web.Request) -> str | None:
        forwarded = request.headers.getall("X-Forwarded-For", ())
        address = client_address(request.remote, forwarded, self._trusted)
        return None if address is None else self.region_of(address)

    def region_of(self, address: Address) -> str | None:
        """None for an address that the file does not know, or from where no region was named."""
        try:
            record = self._database.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError):  # an IPv6 address in a file of IPv4, or a torn file
            return None
        country = self._countries.get(_code(record, "country", "iso_code"))
        return country or self._continents.get(_code(record, "continent", "code"))


def _code(record: Any, part: str, name: str) -> str:
    found = record.get(part) if isinstance(record, Mapping) else None
    return str(found.get(name, "")) if isinstance(found, Mapping) else ""


def locating(settings: GeoSettings) -> Locate:
    """Raises `ValueError` with a sentence."""
    return GeoRegions(settings).locate if settings.geoip_file is not None else nowhere
