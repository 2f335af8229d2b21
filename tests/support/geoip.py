"""Small GeoIP databases, in the format of the real ones."""

from collections.abc import Mapping
from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]


def geoip_file(folder: Path, places: Mapping[str, tuple[str, str]]) -> Path:
    """`places`: continent and country by network (IPv4)."""
    writer = MMDBWriter(ip_version=4, database_type="GeoLite2-Country")
    for network, (continent, country) in places.items():
        writer.insert_network(IPSet([network]), {"continent": {"code": continent}, "country": {"iso_code": country}})
    file = folder / "places.mmdb"
    writer.to_db_file(str(file))
    return file
