"""A client of the bridge: one Unix socket, requests with numbers, events in order."""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from media_adapters.errors import MediaError, NodeGone, NodeTimeout, from_code
from media_adapters.mediasoup.protocol import BRIDGE_EVENT, MAX_LINE, BridgeEvent, RoomClosed
from media_adapters.models import Value

Answer = TypeVar("Answer", bound=Value)
EventHandler = Callable[[BridgeEvent], None]

PING_INTERVAL = 2.0
PING_TIMEOUT = 5.0

log = structlog.get_logger()


class BridgeClient:
    """One connection to the bridge, which closes all that was made over it when it ends. Made by `open_bridge`.

    When the socket dies or the bridge stops answering, pending and later requests raise `NodeGone` and `on_gone` is
    called once with the reason.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deadline: float) -> None:
        self._reader, self._writer = reader, writer
        self._deadline = deadline
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._handlers: dict[str, EventHandler] = {}
        self.gone: str | None = None
        self.on_gone: Callable[[str], None] = lambda _reason: None

    def new_name(self, kind: str) -> str:
        """A name that this connection has never used: the bridge takes ours for rooms, connections and producers."""
        return f"{kind}{next(self._numbers)}"

    def listen(self, name: str, handler: EventHandler) -> None:
        """Call `handler` with every event of the room or connection called `name`. It must not block."""
        self._handlers[name] = handler

    def forget(self, name: str) -> None:
        self._handlers.pop(name, None)

    async def ask(self, kind: type[Answer], method: str, **params: object) -> Answer:
        """Send a request and read its answer as `kind`."""
        return kind.model_validate(await self.request(method, **params))

    async def request(self, method: str, **params: object) -> Mapping[str, Any]:
        """The result. Raises what the bridge refuses with, `NodeTimeout`, `NodeGone`."""
        if self.gone is not None:
            raise NodeGone(f"mediasoup's bridge is gone: {self.gone}")
        number, reply = next(self._numbers), asyncio.get_running_loop().create_future()
        self._waiting[number] = reply
        try:
            async with asyncio.timeout(self._deadline):
                self._writer.write(json.dumps({"id": number, "method": method, "params": params}).encode() + b"\n")
                await self._writer.drain()
                message: Mapping[str, Any] = await reply
        except TimeoutError as error:
            raise NodeTimeout(f"mediasoup's bridge did not answer {method!r} within {self._deadline} s") from error
        except OSError as error:
            raise NodeGone("mediasoup's bridge is gone: the connection closed") from error
        finally:
            self._waiting.pop(number, None)
        if "error" in message:
            raise from_code(message["error"]["code"], message["error"]["message"])
        result: Mapping[str, Any] = message["result"]
        return result

    async def receive(self) -> None:
        """Read until the socket dies."""
        try:
            while line := await self._reader.readline():
                self._dispatch(line)
        except (OSError, ValueError):  # reset, or a line without end
            pass
        finally:
            self._die("the connection closed")

    async def watch(self) -> None:
        """Notice a bridge that has stopped answering, until it is gone."""
        while self.gone is None:
            await asyncio.sleep(PING_INTERVAL)
            try:
                async with asyncio.timeout(PING_TIMEOUT):
                    await self.request("describe")
            except (TimeoutError, NodeTimeout):
                self._die("it does not answer")
            except MediaError:
                return

    def _dispatch(self, line: bytes) -> None:
        message = json.loads(line)
        if "event" in message:
            self._deliver(message)
        elif (reply := self._waiting.get(message["id"])) and not reply.done():
            reply.set_result(message)

    def _deliver(self, message: Mapping[str, Any]) -> None:
        try:
            event = BRIDGE_EVENT.validate_python(message)
        except ValidationError:
            log.warning("mediasoup_event_unknown", event_type=str(message["event"])[:40])
            return
        handler = self._handlers.get(event.room if isinstance(event, RoomClosed) else event.connection)
        if handler is None:
            return  # it was closed by us meanwhile
        try:
            handler(event)
        except Exception:  # one connection's fault must not deafen all the others on this socket
            log.exception("mediasoup_event_handler_failed", event_type=event.event)

    def _die(self, reason: str) -> None:
        if self.gone is not None:
            return
        self.gone = reason
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(NodeGone(f"mediasoup's bridge is gone: {reason}"))
        self._writer.close()
        self.on_gone(reason)


@asynccontextmanager
async def open_bridge(socket: Path, *, deadline: float = 10.0) -> AsyncIterator[BridgeClient]:
    """Connect; leaving closes everything that was made. Raises `OSError` when nobody listens.

    A frozen bridge is noticed after `PING_INTERVAL + PING_TIMEOUT` seconds at the latest.
    """
    reader, writer = await _connect(socket)
    client = BridgeClient(reader, writer, deadline)
    tasks = [asyncio.create_task(client.receive()), asyncio.create_task(client.watch())]
    try:
        yield client
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer.close()


async def _connect(socket: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Through an open folder: the path of a Unix socket has at most 107 characters, ours may be longer."""
    folder = os.open(socket.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        return await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/{socket.name}", limit=MAX_LINE)
    finally:
        os.close(folder)
