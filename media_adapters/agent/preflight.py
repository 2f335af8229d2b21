"""What is looked at before a node starts, so that it fails here, with a sentence, and not under its first people."""

import errno
import socket
import time
from collections.abc import Callable
from typing import Final

import aiohttp
import structlog

from media_adapters.agent.errors import AgentFailed
from media_adapters.agent.settings import AgentSettings
from media_adapters.wire.enrolment import TIME_HEADER, TIME_PATH

log = structlog.get_logger()

_TIMEOUT: Final = aiohttp.ClientTimeout(total=2)
CLOCK_TOLERANCE_S: Final = 5.0


def check_media_ports(settings: AgentSettings) -> None:
    """Raises `AgentFailed` when media could use none of the ports; warns of those that are taken."""
    first, last = settings.rtp_ports
    address = settings.media_address if _is_ours(settings.media_address) else None
    reasons = [error for port in range(first, last + 1) if (error := _problem(address, port))]
    if len(reasons) > last - first:
        why = "they are taken" if reasons[0] == errno.EADDRINUSE else errno.errorcode[reasons[0]]
        raise AgentFailed(
            f"None of the media ports {first}-{last} (UDP) can be used: {why}. "
            "Set NEXUSVIBE_NODE_RTP_PORTS (--rtp-ports)."
        )
    if reasons:
        log.warning("media_ports_taken", taken=len(reasons), ports=last - first + 1)


async def control_time(urls: tuple[str, ...], clock: Callable[[], float] = time.time) -> float:
    """By how many seconds the control plane's clock is ahead of ours; 0 when it can't be asked now.

    A node works with any clock: its heartbeats are of the control plane's time. Certificates and logs need a right one.
    """
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        for url in urls:
            try:
                async with session.get(f"{url.rstrip('/')}{TIME_PATH}") as response:
                    ahead = int(response.headers[TIME_HEADER]) / 1000 - clock()
            except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
                continue
            if abs(ahead) > CLOCK_TOLERANCE_S:
                log.warning("clock_differs", control_plane_ahead_s=round(ahead), do="set this machine's clock (NTP)")
            return ahead
    log.debug("control_plane_not_reached_yet")
    return 0.0


def _problem(address: str | None, port: int) -> int | None:
    """The error of binding to it. Without `SO_REUSEADDR`, so that what another program uses is seen."""
    family = socket.AF_INET6 if address and ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address or "", port))
        except OSError as error:
            return error.errno or errno.EINVAL
    return None


def _is_ours(address: str | None) -> bool:
    """Not that of a NAT in front of this machine."""
    return address is not None and _problem(address, 0) is None
