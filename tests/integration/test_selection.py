"""Where people's rooms end up, what happens when there is no room for them, and how an operator learns why."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from control_plane.ids import RoomId
from control_plane.nodes.store import NodeStore
from control_plane.rooms.store import RoomStore
from control_plane.turn.models import TurnServer
from control_plane.turn.secrets import rotated, write
from control_plane.turn.settings import TurnSettings
from tests.support.client import RequestFailed, connected
from tests.support.geoip import geoip_file
from tests.support.inprocess import LocalReplica, local_node, local_replica
from tests.support.ports import reserved_port
from tests.support.redis import RedisTarget


@asynccontextmanager
async def system(
    target: RedisTarget, *, capacity: int = 1_000_000, regions: tuple[str, ...] = ("eu",), **settings: Any
) -> AsyncIterator[LocalReplica]:
    """A replica and a node in each region, named after it."""
    async with AsyncExitStack() as stack:
        for region in regions:
            await stack.enter_async_context(local_node(target, region, capacity, region, settling_ms=60_000))
        yield await stack.enter_async_context(local_replica(target, "here", nodes=regions, **settings))


async def explained(replica: LocalReplica, room: str) -> Any:
    key = await replica.api_key()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{replica.url}/v1/rooms/{room}/placement", headers={"Authorization": f"Bearer {key}"}) as answer,
    ):
        assert answer.status == 200
        return await answer.json()


async def reserved(target: RedisTarget) -> dict[str, int]:
    async with target.connect() as redis:
        return {node.id: node.reserved for node in (await NodeStore(redis).view()).nodes}


async def test_a_room_is_made_near_who_joins_first_and_stays_there(redis_target: RedisTarget) -> None:
    async with system(redis_target, regions=("eu", "us")) as replica:
        for region in ("eu", "us", "eu", "us"):
            room = f"{region}-{replica.id}"
            async with connected(replica.ws_url) as first, connected(replica.ws_url) as second:
                await first.join(replica.token(room, "first"), region=region)
                await second.join(replica.token(room, "second"), region="us")
                assert (await explained(replica, room))["nodes"] == [region]


async def test_a_region_that_does_not_exist_is_as_good_as_any_and_explained(redis_target: RedisTarget) -> None:
    async with system(redis_target) as replica, connected(replica.ws_url) as alice:
        await alice.join(replica.token("far", "alice"), region="mars")
        found = await explained(replica, "far")
    assert found["nodes"] == ["eu"]
    (decision,) = found["decisions"]
    assert (decision["region"], decision["region_known"], decision["node"]) == ("mars", False, "eu")


async def test_an_address_decides_where_the_client_does_not_say_and_is_written_down_nowhere(
    redis_target: RedisTarget, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = "203.0.113.77"
    file = geoip_file(tmp_path, {"203.0.113.0/24": ("NA", "US")})
    geo: dict[str, Any] = {"geoip_file": file, "geoip_continents": {"NA": "us"}, "trusted_proxies": ("127.0.0.1",)}
    async with (
        system(redis_target, regions=("eu", "us"), **geo) as replica,
        connected(replica.ws_url, X_Forwarded_For=address) as alice,
        connected(replica.ws_url, X_Forwarded_For=address) as bob,
    ):
        await alice.join(replica.token("guessed", "alice"))
        await bob.join(replica.token("said", "bob"), region="eu")
        assert (await explained(replica, "guessed"))["nodes"] == ["us"]
        assert (await explained(replica, "said"))["nodes"] == ["eu"]
        async with redis_target.connect() as redis:
            state = await RoomStore(redis).snapshot(RoomId("guessed"))
        assert [person.region for person in state.people.values()] == ["us"]
        assert address not in state.model_dump_json()
        assert address not in str(await explained(replica, "guessed"))
    assert address not in capsys.readouterr().out


async def test_relays_of_ones_own_region_come_first(redis_target: RedisTarget, tmp_path: Path) -> None:
    secrets = tmp_path / "turn-secrets"
    write(secrets, rotated((), 1_700_000_000, delay=0, ttl=3600))
    servers = tuple(
        TurnServer(id=region, host=f"turn.{region}.example.org", region=region, udp=reserved_port())
        for region in ("eu", "us")
    )
    turn = TurnSettings(_env_file=None, turn_servers=servers, turn_secrets=secrets)
    async with system(redis_target, turn=turn) as replica:
        for region in ("us", "eu"):
            async with connected(replica.ws_url) as client:
                await client.join(replica.token(f"near-{region}", "somebody"), region=region)
                first, _ = client.joined["placement"]["ice_servers"]
                assert f"turn.{region}.example.org" in first["urls"][0]


async def test_who_finds_the_rooms_node_full_is_refused_and_nobody_inside_is_harmed(redis_target: RedisTarget) -> None:
    async with (
        system(redis_target, capacity=14, regions=("eu", "us")) as replica,
        connected(replica.ws_url) as alice,
        connected(replica.ws_url) as bob,
        connected(replica.ws_url) as carol,
    ):
        await alice.join(replica.token("call", "alice"), region="eu")  # 6: a room begins with as much
        await bob.join(replica.token("call", "bob"))  # 8: sends 4, receives 2, and is received as 2
        assert await reserved(redis_target) == {"eu": 14, "us": 0}
        with pytest.raises(RequestFailed) as refused:
            await carol.join(replica.token("call", "carol"))
        assert (refused.value.code, refused.value.error["retryable"]) == ("no_capacity", True)
        assert refused.value.error["retry_after_ms"] > 0
        assert (await reserved(redis_target))["eu"] <= 14
        found = await explained(replica, "call")
        assert [(each["purpose"], each["node"]) for each in found["decisions"]] == [("join", None), ("first", "eu")]
        (rejected,) = found["decisions"][0]["rejected"]
        assert (rejected["nodes"], rejected["reason"]) == (["eu"], "full")
        async with redis_target.connect() as redis:
            state = await RoomStore(redis).snapshot(RoomId("call"))
        assert {person.identity for person in state.people.values()} == {"alice", "bob"}


async def test_when_every_node_is_full_it_is_said_and_nothing_stays_reserved(redis_target: RedisTarget) -> None:
    async with system(redis_target, capacity=5, regions=("eu", "us")) as replica, connected(replica.ws_url) as alice:
        with pytest.raises(RequestFailed, match="no_capacity: No media node can take this now: 2 nodes full"):
            await alice.join(replica.token("call", "alice"))
        assert await reserved(redis_target) == {"eu": 0, "us": 0}
        (decision,) = (await explained(replica, "call"))["decisions"]
        assert decision["rejected"] == [{"reason": "full", "count": 2, "nodes": ["eu", "us"]}]
