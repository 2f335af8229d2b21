"""Tells the control plane, signed, that this node lives and what it carries. Never a reason for the agent to fail."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import aiohttp
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from media_adapters.agent.preflight import CLOCK_TOLERANCE_S
from media_adapters.errors import MediaError
from media_adapters.models import NodeDescription, NodeId, NodeLoad, Value
from media_adapters.wire import HEARTBEAT_PATH, Heartbeat, sign_heartbeat
from media_adapters.wire.enrolment import TIME_HEADER

log = structlog.get_logger()

_TIMEOUT: Final = aiohttp.ClientTimeout(total=2)
_LOAD_TIMEOUT: Final = 1.0
_MAX_DELAY: Final = 2.0
_CLOCK_STEP_MS: Final = 1000
_SAID_TO_US: Final = {
    "node_pending": "an operator has to approve this node: nexusvibe node approve",
    "node_removed": "an operator has removed this node: stop it, or enrol it again with a new token",
    "another_agent": "another agent with this node's key was started later: stop one of the two",
    "other_region": "this node has enrolled for another region",
}
"""What the control plane tells a node that it knows, by code."""


class Heartbeats:
    """`load` is asked each time and may raise `MediaError`: then the node says that its SFU is down.

    `interval` in seconds; `pause` waits for that long between two heartbeats. `certificate` is the fingerprint of what
    the RPC shows. `clock` is this machine's; `ahead` are the seconds by which the control plane's is, as far as known:
    its answers tell, and heartbeats are of its time.
    """

    def __init__(
        self,
        *,
        node: NodeId,
        url: str,
        region: str,
        capacity: int,
        key: Ed25519PrivateKey,
        control_urls: Sequence[str],
        interval: float,
        load: Callable[[], Awaitable[NodeLoad]],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        certificate: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float] = time.time,
        ahead: float = 0.0,
    ) -> None:
        self._node, self._url, self._region, self._capacity = node, url, region, capacity
        self._key, self._interval, self._load, self._pause = key, interval, load, pause
        self._targets = [f"{base.rstrip('/')}{HEARTBEAT_PATH}" for base in control_urls]
        self._certificate, self._clock, self._ahead_ms = certificate, clock, round(ahead * 1000)
        self._began_ms, self._knows_time = round(clock() * 1000), False
        self._started_at = self._sequence = self._began_ms + self._ahead_ms
        self._failures, self._refused = 0, ""
        self._descriptions: asyncio.Queue[NodeDescription] = asyncio.Queue()

    def sfu_up(self, description: NodeDescription) -> None:
        """Heartbeats begin with the first SFU: before that there is nothing to say."""
        self._descriptions.put_nowait(description)

    async def run(self) -> None:
        description = await self._descriptions.get()
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                while not self._descriptions.empty():
                    description = self._descriptions.get_nowait()
                problem = await self._beat(session, description)
                await self._pause(self._note(problem))

    async def _beat(self, session: aiohttp.ClientSession, description: NodeDescription) -> str | None:
        """Send one; what went wrong, or None."""
        body, authorization = sign_heartbeat(await self._heartbeat(description), self._key)
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        try:
            async with session.post(self._targets[0], data=body, headers=headers) as response:
                self._learn_time(response.headers.get(TIME_HEADER, ""))
                code = "" if response.status < 300 else _code(await response.read())
                self._heed(code)
                return None if response.status < 300 else code or f"HTTP {response.status}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return type(error).__name__

    def _learn_time(self, told: str) -> None:
        if not told.isdecimal():
            return
        ahead = int(told) - round(self._clock() * 1000)
        if abs(ahead - self._ahead_ms) > _CLOCK_STEP_MS:
            if abs(ahead) > CLOCK_TOLERANCE_S * 1000:
                log.warning("clock_differs", control_plane_ahead_s=round(ahead / 1000))
            self._ahead_ms = ahead
        if not self._knows_time:
            self._knows_time, self._started_at = True, self._began_ms + self._ahead_ms

    def _heed(self, code: str) -> None:
        """Say what an operator has to do, once."""
        if code != self._refused and code in _SAID_TO_US:
            log.error("heartbeats_not_believed", code=code, do=_SAID_TO_US[code])
        elif self._refused in _SAID_TO_US and not code:
            log.info("heartbeats_believed")
        self._refused = code

    def _note(self, problem: str | None) -> float:
        """Seconds until the next heartbeat. After a failure another URL has its turn; when all failed, it backs off."""
        if problem is None:
            if self._failures > 3:
                log.info("heartbeat_heard_again", failures=self._failures)
            self._failures = 0
            return self._interval
        self._failures += 1
        if self._failures > 2 and self._failures.bit_count() == 1:  # the 4th, 8th …: not a replica that just starts
            log.warning("heartbeat_failed", problem=problem, failures=self._failures)
        self._targets.append(self._targets.pop(0))
        rounds, in_round = divmod(self._failures, len(self._targets))
        if in_round:
            return 0.0
        return float(min(self._interval * 2 ** (rounds - 1), max(self._interval, _MAX_DELAY)))

    async def _heartbeat(self, description: NodeDescription) -> Heartbeat:
        load = await self._measure()
        now = round(self._clock() * 1000) + self._ahead_ms
        self._sequence = max(self._sequence + 1, now)
        return Heartbeat(
            node=self._node,
            url=self._url,
            region=self._region,
            backend=description.backend,
            version=description.version,
            capabilities=description.capabilities,
            capacity=self._capacity,
            state="sfu_down" if load is None else "up",
            load=load or NodeLoad(),
            warnings=description.warnings,
            started_at=self._started_at,
            sequence=self._sequence,
            time_ms=now,
            certificate=self._certificate(),
        )

    async def _measure(self) -> NodeLoad | None:
        try:
            async with asyncio.timeout(_LOAD_TIMEOUT):
                return await self._load()
        except (MediaError, TimeoutError):
            return None


class _Problem(Value):
    code: str = ""


def _code(body: bytes) -> str:
    """The stable code of a problem (RFC 9457), or nothing."""
    try:
        return _Problem.model_validate_json(body).code
    except ValidationError:
        return ""
