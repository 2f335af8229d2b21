"""What coturn says of its allocations while they live: whose they are, and what they relayed.

It tells a Redis, its `redis-statsdb`. This listener is all of Redis that coturn needs, so that a machine with a relay
holds no key to the control plane's own Redis, and people's addresses, which coturn tells too, stay nowhere.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import hiredis

_KEY = re.compile(r"turn/realm/[^/]+/user/\d+:(?P<opaque>[^/]+)/allocation/(?P<session>\d+)/(?P<what>status|traffic)")
_TRAFFIC = re.compile(r"rcvp=\d+, rcvb=(\d+), sentp=\d+, sentb=(\d+)")
_READ = 65_536
_BEFORE_PASSWORD = 1024


@dataclass(frozen=True, slots=True)
class Started:
    """coturn has started, maybe again: no allocation lives."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An allocation of `opaque`; coturn's command line knows it as `session`."""

    opaque: str
    session: str


@dataclass(frozen=True, slots=True)
class Closed:
    opaque: str
    session: str


@dataclass(frozen=True, slots=True)
class Relayed:
    """Bytes from and to its owner since it was told last: every 4096 packets, and when the allocation ends."""

    opaque: str
    received: int
    sent: int


Heard = Started | Opened | Closed | Relayed


def understand(command: list[bytes]) -> Heard | None:
    """What a command to Redis says; None for what does not matter here."""
    match [part.decode(errors="replace") for part in command]:
        case [verb, key, text] if verb.lower() == "publish" and (found := _KEY.fullmatch(key)):
            return _news(found["opaque"], found["session"], found["what"], text)
        case [verb, "turn/*/allocation/*/status"] if verb.lower() == "keys":
            return Started()  # it looks for what an earlier run left in Redis
        case _:
            return None


def _news(opaque: str, session: str, what: str, text: str) -> Heard | None:
    if what == "traffic":
        traffic = _TRAFFIC.fullmatch(text)
        return Relayed(opaque, int(traffic[1]), int(traffic[2])) if traffic else None
    if text.startswith("new "):
        return Opened(opaque, session)
    return Closed(opaque, session) if text == "deleted" else None


@asynccontextmanager
async def listening(heard: Callable[[Heard], None]) -> AsyncIterator[str]:
    """Give `heard` what coturn says; yields the `redis-statsdb` to tell it. On loopback, behind a fresh password."""
    password = secrets.token_urlsafe(24)
    conversations: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_Conversation(password.encode(), heard, writer).hold(reader))
        conversations.add(task)
        task.add_done_callback(conversations.discard)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"ip=127.0.0.1 dbname=0 password={password} port={port} connect_timeout=5"
    finally:
        server.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await server.wait_closed()


class _Conversation:
    """One connection of coturn's; it has several, one for each of its threads."""

    def __init__(self, password: bytes, heard: Callable[[Heard], None], writer: asyncio.StreamWriter) -> None:
        self._password = password
        self._heard = heard
        self._writer = writer
        self._known = False

    async def hold(self, reader: asyncio.StreamReader) -> None:
        commands = hiredis.Reader()
        try:
            while data := await reader.read(_READ if self._known else _BEFORE_PASSWORD):
                commands.feed(data)
                while (command := commands.gets()) is not False:
                    self._writer.write(self._answer(command))
                if not self._known:  # a stranger's connection ends with the first thing that it says
                    return
                await self._writer.drain()
        except (OSError, hiredis.ProtocolError):
            return
        finally:
            self._writer.close()

    def _answer(self, command: object) -> bytes:
        match command:
            case [bytes(verb), bytes(password)] if verb.upper() == b"AUTH":
                self._known = secrets.compare_digest(password, self._password)
                return b"+OK\r\n" if self._known else b"-WRONGPASS\r\n"
            case [bytes(verb), *_] if self._known and isinstance(command, list):
                news = understand(command)
                if news is not None:
                    self._heard(news)
                return {b"KEYS": b"*0\r\n", b"PUBLISH": b":0\r\n"}.get(verb.upper(), b"+OK\r\n")
            case _:
                return b"-NOAUTH\r\n"
