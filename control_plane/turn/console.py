"""coturn's command line interface (RFC 854 without options), to end allocations that it relays."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

TIMEOUT_S = 5.0
_PROMPT = b"> "
_BANNER = b"Enter password: \r\n"


@dataclass(frozen=True, slots=True)
class Console:
    """On loopback of the relay's own machine."""

    port: int
    password: str = field(repr=False)

    async def cut(self, sessions: Collection[str]) -> None:
        """End these allocations; who is gone already is no error. Raises `OSError`, `TimeoutError`, `EOFError`."""
        if not sessions:
            return
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                await reader.readuntil(_BANNER)
                for command in (self.password, *(f"cs {session}" for session in sessions)):
                    writer.write(f"{command}\r\n".encode())
                    await reader.readuntil(_PROMPT)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
