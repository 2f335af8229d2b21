"""What has gone over the websockets of one replica since it began."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Traffic:
    """`requests` by type, those that were understood; `errors` by code, one for each request that was refused or
    failed. An event counts once for each connection that it went to."""

    connections: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    replies: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    events: int = 0
