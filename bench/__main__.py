"""`python -m bench [NAME …]`: all benchmarks, or those named."""

import sys
from functools import partial

import structlog
import uvloop

from bench import crowd, first_frame, idle, joins, redis_path, relay, selection, sfu, storm
from bench.table import machine, show

BENCHMARKS = {
    "redis": ("The way to Redis", redis_path.measure),
    "joins": ("Joining", joins.measure),
    "selection": ("Choosing a media node", selection.measure),
    "relay": ("A message from one server to the other", relay.measure),
    "storm": ("2,000 people at once", storm.measure),
    "idle": ("10,000 people who say nothing", idle.measure),
    "first_frame": ("From the click to the first picture", first_frame.measure),
    "crowd_janus": ("One room that fills, on Janus", partial(crowd.measure, "janus")),
    "crowd_mediasoup": ("One room that fills, on mediasoup", partial(crowd.measure, "mediasoup")),
    "janus": ("Forwarding video on Janus: the limit", partial(sfu.measure, "janus")),
    "mediasoup": ("Forwarding video on mediasoup: the limit", partial(sfu.measure, "mediasoup")),
}


def main(names: list[str]) -> int:
    unknown = set(names) - BENCHMARKS.keys()
    if unknown:
        print(f"There is no benchmark {', '.join(sorted(unknown))}. There are: {', '.join(BENCHMARKS)}.")
        return 2
    structlog.configure(processors=[_drop])
    print(machine())
    for name in names or BENCHMARKS:
        title, measure = BENCHMARKS[name]
        show(title, uvloop.run(measure()))
    return 0


def _drop(_logger: object, _method: str, _event: structlog.typing.EventDict) -> str:
    raise structlog.DropEvent


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
