"""Where a caller is: whose word about its address counts, and what a GeoIP file makes of it."""

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict
from pydantic import ValidationError

from control_plane.http.region import GeoRegions, client_address, locating, nowhere
from control_plane.settings import GeoSettings
from tests.support.geoip import geoip_file

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
ALICE = ip_address("203.0.113.7")


def settings(file: Path | None, **more: object) -> GeoSettings:
    regions = {"geoip_countries": {"GB": "uk"}, "geoip_continents": {"EU": "eu", "NA": "us"}}
    return GeoSettings.model_validate({"geoip_file": file, **regions, **more})


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_from"),
    [
        ("203.0.113.7", [], ALICE),
        ("203.0.113.7", ["198.51.100.1"], ALICE),  # says so herself
        ("10.0.0.1", ["203.0.113.7"], ALICE),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.7"], ALICE),  # the proxy adds whom it saw at the end
        ("10.0.0.1", ["198.51.100.1", "203.0.113.7, 10.0.0.2"], ALICE),
        ("::ffff:10.0.0.1", ["203.0.113.7"], ALICE),
        ("fd00::1", ["2001:db8::7"], ip_address("2001:db8::7")),
        ("10.0.0.1", [], ip_address("10.0.0.1")),
        ("10.0.0.1", ["unknown"], None),
        (None, ["203.0.113.7"], None),
    ],
)
def test_only_trusted_proxies_say_whom_they_ask_for(peer: str | None, forwarded: list[str], is_from: object) -> None:
    assert client_address(peer, forwarded, PROXIES) == is_from


def test_a_country_comes_before_its_continent_and_the_unknown_is_nowhere(tmp_path: Path) -> None:
    file = geoip_file(
        tmp_path, {"203.0.113.0/24": ("EU", "GB"), "198.51.100.0/24": ("EU", "FR"), "192.0.2.0/24": ("AS", "JP")}
    )
    regions = GeoRegions(settings(file))
    seen = [regions.region_of(ip_address(each)) for each in ("203.0.113.7", "198.51.100.7", "192.0.2.7", "8.8.8.8")]
    assert seen == ["uk", "eu", None, None]
    assert regions.region_of(ip_address("2001:db8::1")) is None


def test_a_caller_behind_a_proxy_is_where_the_proxy_saw_them(tmp_path: Path) -> None:
    file = geoip_file(tmp_path, {"203.0.113.0/24": ("NA", "US")})
    locate = locating(settings(file, trusted_proxies=["127.0.0.0/8"]))
    headers = CIMultiDict([("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.7")])
    request = make_mocked_request("GET", "/v1/signal", headers=headers)
    assert locate(request.clone(remote="127.0.0.1")) == "us"
    assert locate(request.clone(remote="198.51.100.1")) is None


def test_without_a_file_nobody_is_anywhere() -> None:
    assert locating(settings(None)) is nowhere
    assert nowhere(make_mocked_request("GET", "/")) is None


def test_a_file_that_can_not_be_used_is_said_at_the_start(tmp_path: Path) -> None:
    torn = tmp_path / "torn.mmdb"
    torn.write_bytes(b"nothing of use")
    for file in (torn, tmp_path / "missing.mmdb"):
        with pytest.raises(ValueError, match=r"NEXUSVIBE_GEOIP_FILE, .* can't be read"):
            locating(settings(file))
    with pytest.raises(ValidationError, match="NEXUSVIBE_GEOIP_FILE needs"):
        settings(torn, geoip_countries={}, geoip_continents={})
