"""NexusVibe's REST API for servers in Python: `NexusVibe` for threads, `AsyncNexusVibe` for asyncio.

What is asked and answered is typed in `models`, what can go wrong is listed in `errors`.
"""

from nexusvibe_client.errors import (
    Conflict,
    InvalidKey,
    InvalidRequest,
    NexusVibeError,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    RateLimited,
    Refused,
    ServerFault,
    Unreachable,
)
from nexusvibe_client.for_asyncio import AsyncNexusVibe
from nexusvibe_client.for_threads import NexusVibe
from nexusvibe_client.wire import ANYWAY, Seen

__all__ = [
    "ANYWAY",
    "AsyncNexusVibe",
    "Conflict",
    "InvalidKey",
    "InvalidRequest",
    "NexusVibe",
    "NexusVibeError",
    "NotAllowed",
    "NotFound",
    "PreconditionFailed",
    "RateLimited",
    "Refused",
    "Seen",
    "ServerFault",
    "Unreachable",
]
