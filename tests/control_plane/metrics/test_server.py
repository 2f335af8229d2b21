"""Where figures are served, and where not: `nexusvibe serve` as an operator runs it."""

from pathlib import Path

import aiohttp
import pytest

from control_plane.metrics.server import address
from control_plane.up.keys import load_or_make_keys
from tests.support.database import migrate
from tests.support.ports import reserved_port
from tests.support.redis import running_redis
from tests.support.replica import running_replica


async def test_figures_are_served_at_their_own_address_and_nowhere_else(tmp_path: Path) -> None:
    keys, port = load_or_make_keys(tmp_path / "keys"), reserved_port()
    database_url = f"sqlite:///{tmp_path}/nexusvibe.db"
    await migrate(database_url)
    async with (
        running_redis() as redis,
        running_replica(redis.url, keys, [], database_url, METRICS_LISTEN=f"127.0.0.1:{port}") as replica,
        aiohttp.ClientSession() as session,
    ):
        await replica.process.says("serving")
        async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
            text = await response.text()
            assert response.content_type == "text/plain"
        assert "nexusvibe_ready 0.0" in text
        assert "process_resident_memory_bytes" in text
        openmetrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with session.get(f"http://127.0.0.1:{port}/metrics", headers=openmetrics) as response:
            assert (await response.text()).endswith("# EOF\n")
        async with session.get(f"{replica.url}/metrics") as response:
            assert response.status == 404
        async with session.get(f"http://127.0.0.1:{port}/v1/rooms") as response:
            assert response.status == 404


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [("127.0.0.1:9464", "127.0.0.1", 9464), ("[::1]:9464", "::1", 9464), ("10.0.0.1:0", "10.0.0.1", 0)],
)
def test_an_address_has_a_host_and_a_port(listen: str, host: str, port: int) -> None:
    assert address(listen) == (host, port)


@pytest.mark.parametrize(
    "listen", ["", "9464", ":9464", "localhost", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:http"]
)
def test_what_is_no_address_is_refused_with_an_example(listen: str) -> None:
    with pytest.raises(ValueError, match="NEXUSVIBE_METRICS_LISTEN"):
        address(listen)
