"""`@nexusvibe/server`, the REST client for servers in TypeScript, in plain Node against a real replica."""

import asyncio
import json
import re
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx

from tests.support.inprocess import LocalReplica

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "web/api/typescript/tests/against-replica.ts"


async def test_client_runs_rooms_and_has_a_method_for_every_operation(replica: LocalReplica, key: str) -> None:
    node = await asyncio.create_subprocess_exec(
        ROOT / "infra/setup/node", "--conditions=source", SCRIPT, replica.url, key, stdout=PIPE, stderr=PIPE
    )  # fmt: skip
    output, complaints = await node.communicate()
    assert node.returncode == 0, complaints.decode()
    asked = {(method, re.sub(r"\bX(\w+)", r"{\1}", path)) for method, path in json.loads(output)}
    async with httpx.AsyncClient() as http:
        served = (await http.get(f"{replica.url}/v1/openapi.json")).json()
    assert asked == {(method.upper(), path) for path, methods in served["paths"].items() for method in methods}
