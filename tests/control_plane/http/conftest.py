"""A replica with its REST API, and a client that asks it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.support.inprocess import LocalReplica, local_node, local_replica
from tests.support.redis import RedisTarget


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def code(self) -> str:
        """Of a problem."""
        assert self.headers["Content-Type"].startswith("application/problem+json"), self
        assert self.body["status"] == self.status
        return str(self.body["code"])


@dataclass(frozen=True)
class ApiClient:
    session: aiohttp.ClientSession
    url: str
    key: str

    async def asks(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        named = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, f"{self.url}{path}", json=body, headers=named) as response:
            found = await response.json(content_type=None) if response.status not in {204, 304} else None
            return Reply(response.status, response.headers, found)

    def with_key(self, key: str) -> "ApiClient":
        return ApiClient(self.session, self.url, key)


@pytest.fixture
async def replica(redis_target: RedisTarget) -> AsyncIterator[LocalReplica]:
    async with local_node(redis_target, "n1"), local_replica(redis_target, "here", nodes=("n1",)) as replica:
        yield replica


@pytest.fixture
async def api(replica: LocalReplica) -> AsyncIterator[ApiClient]:
    """With a key for all rooms."""
    async with aiohttp.ClientSession() as session:
        yield ApiClient(session, replica.url, await replica.api_key())
