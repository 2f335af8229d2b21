"""A media node's agent without an SFU behind it, as a process of its own: `python -m bench.stand_in REDIS_URL`.

It prints the keys that it and its control plane have for this run.
"""

import asyncio
import json
import sys

import structlog
import uvloop

from tests.support.inprocess import CONTROL_KEY, NODE_KEY, local_node
from tests.support.redis import RedisTarget


async def main(redis_url: str) -> None:
    async with local_node(RedisTarget(redis_url, cluster=False), "n1"):
        print(json.dumps({"control_key": CONTROL_KEY, "node_key": NODE_KEY}), flush=True)
        await asyncio.Event().wait()


def _drop(_logger: object, _method: str, _event: structlog.typing.EventDict) -> str:
    raise structlog.DropEvent


if __name__ == "__main__":
    structlog.configure(processors=[_drop])
    uvloop.run(main(sys.argv[1]))
